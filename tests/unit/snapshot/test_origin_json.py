"""Where something was made from, in metadata."""

import pytest

from meshd.base.origins import Origin
from meshd.snapshot.origin_json import write_config

SERVICE = Origin("a.yaml", 1, "Service", "default", "web")
RULE, OTHER = (Origin("a.yaml", 2, "DestinationRule", "prod", name) for name in ("web", "other"))


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        ((), None),
        ((SERVICE,), None),
        ((SERVICE, RULE, OTHER), "/apis/networking.istio.io/v1/namespaces/prod/destination-rule/web"),
    ],
)
def test_names_the_first_resource_of_the_kind(origins, expected):
    """As istioctl reads it; nothing where no such resource had a part in it."""
    metadata = {"metadata": {"filterMetadata": {"istio": {"config": expected}}}} if expected else {}
    assert metadata == write_config(origins, "DestinationRule")
    assert {} == write_config(origins, "VirtualService")
