"""Reading Namespaces."""

from meshd.model.namespace import Namespace
from tests.helpers.resources import complaints_of, resources_of


def test_reads_a_namespace():
    """Its labels count; its spec and status do not."""
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: b}}\nspec: {finalizers: [kubernetes]}\nstatus: {phase: Active}\n"
    [found] = resources_of(text)
    assert isinstance(found, Namespace)
    assert ([], "shop", "", {"a": "b"}) == (complaints_of(text), found.metadata.name, found.metadata.namespace, found.metadata.labels)


def test_names_are_one_label():
    """Namespaces are parts of host names."""
    assert ["error 3 metadata.name"] == [line.partition(":")[0] for line in complaints_of("apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n")]
