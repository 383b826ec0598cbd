"""Files to drafts: verdicts, identities, and documents that need not be read again."""

from meshd.model.drafts import Identity
from meshd.sources.drafts import Reading, read_all, read_drafts

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n"
TEXT = "---\n".join([SERVICE % "a", "a: [\n", SERVICE % "b" + "bad: &x\nbad: 1\n", "kind: Foo\n"])


def test_tells_whose_document_it_is():
    """Even of a document that cannot be used, where its text can be read at all."""
    drafts = read_all(TEXT.encode(), "a.yaml")
    names = [Identity("", "Service", "default", "a"), None, Identity("", "Service", "default", "b"), None]
    assert names == [draft.identity for draft in drafts]
    assert [False, True, True, True] == [draft.rejected for draft in drafts]
    assert [1, 0, 0, 0] == [len(draft.resources) for draft in drafts]
    assert ["a.yaml:1 (Service default/a)", "a.yaml:5", "a.yaml:8 (Service b)", "a.yaml:15 (Foo)"] == [str(draft.origin) for draft in drafts]


def test_unchanged_documents_are_not_read_again():
    """A document with the same bytes on the same line gives the very same draft."""
    first, second = Reading(), Reading()
    steps = len(list(read_drafts(TEXT.encode(), "a.yaml", first, {})))
    changed = TEXT.replace("Foo", "Bar")
    for _ in read_drafts(changed.encode(), "a.yaml", second, first.chunks):
        pass
    same = [old is new for old, new in zip(first.drafts, second.drafts, strict=True)]
    assert (4, [True, True, True, False]) == (steps, same)
