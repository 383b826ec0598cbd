"""The table of annotations."""

import pytest

from meshd.analyze.annotations import KNOWN
from meshd.inject.annotations import ANNOTATIONS, PREFIXES, one_of


def test_every_annotation_of_istios_injector_is_known():
    """Those of pods that analysis knows, and no others but one that istio.io lists for pods alone."""
    elsewhere = {"alpha.istio.io/identity", "ambient.istio.io/bypass-inbound-capture"}
    assert {name for name, kinds in KNOWN.items() if kinds == "Pod"} - elsewhere == set(ANNOTATIONS)


def test_what_has_no_effect_has_no_words():
    """An effect is told for people, as the end of a sentence that begins with the name."""
    assert [] == [name for name, row in ANNOTATIONS.items() if row.effect.endswith(".")]
    assert "" == ANNOTATIONS["sidecar.istio.io/logLevel"].effect


def test_prefixes_are_those_of_the_table():
    """So that what else begins with them is a mistake."""
    assert set(PREFIXES) <= {name.rpartition("/")[0] + "/" for name in ANNOTATIONS}


@pytest.mark.parametrize(("text", "expected"), [("a", ""), ("c", "a or b")])
def test_words(text, expected):
    """One of some."""
    assert expected == one_of("a", "b")(text)
