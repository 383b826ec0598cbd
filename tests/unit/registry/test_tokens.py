"""Tokens of a registry."""

import os

import pytest

from meshd.registry.tokens import FILE, LONGEST, Secret, Token, TokenError, TokenFile, new_token, parse_secret


class Wall:
    """A wall clock."""

    now = 1000.0

    def __call__(self):
        """Tell the time."""
        return self.now


@pytest.fixture
def wall():
    """A wall clock that a test moves."""
    return Wall()


def add(tokens, name="t", **more):
    """Make a token; give its text."""
    token, secret = new_token(name, "ab", 1.0, **more)
    tokens.change(lambda known: known.update({name: token}))
    return str(secret)


def test_a_token_is_found_by_its_text(tmp_path, wall):
    """As another process made it; its secret is in no file."""
    text = add(TokenFile(tmp_path, wall), groups=("shop/web",), labels=("version",))
    found = TokenFile(tmp_path, wall).find(text)
    assert found is not None
    assert ("t", "join", ("shop/web",), ("version",), 1.0) == (found.name, found.use, found.groups, found.labels, found.created)
    assert parse_secret(text).secret not in (tmp_path / FILE).read_text()
    assert 0o600 == (tmp_path / FILE).stat().st_mode & 0o777


def test_another_secret_is_none(tmp_path, wall):
    """Nor is another name, or something else."""
    tokens = TokenFile(tmp_path, wall)
    text = add(tokens)
    secret = parse_secret(text)
    other = [str(Secret("ab", "t", "x" * 43)), str(Secret("ab", "u", secret.secret)), "", "meshd1...", "a" * 10_000, "\udcff.a.b.c", text + "x"]
    assert [None] * len(other) == [tokens.find(one) for one in other]
    assert tokens.find(str(Secret("other", "t", secret.secret))) is not None


def test_tokens_expire_and_are_revoked(tmp_path, wall):
    """At once, by whichever process."""
    tokens, meshctl = TokenFile(tmp_path, wall), TokenFile(tmp_path, wall)
    short, long = add(meshctl, "short", expires=1010.0), add(meshctl, "long")
    assert [True, True] == [tokens.find(one) is not None for one in (short, long)]
    wall.now = 1010.0
    assert [False, True] == [tokens.find(one) is not None for one in (short, long)]
    meshctl.change(lambda known: known.pop("long"))
    assert tokens.find(long) is None
    assert ["short"] == [token.name for token in tokens.tokens()]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"tokens": [{"name": 1}]}', b'{"tokens": [{"x": 1}]}', b"[" * 9999])
def test_a_file_that_cannot_be_read_permits_nobody(tmp_path, wall, content):
    """And is told of to who asks."""
    tokens = TokenFile(tmp_path, wall)
    text = add(tokens)
    assert tokens.find(text) is not None
    (tmp_path / FILE).write_bytes(content)
    assert tokens.find(text) is None
    with pytest.raises(TokenError):
        tokens.tokens()


def test_no_file_has_no_tokens(tmp_path, wall):
    """As on the first start."""
    assert [] == TokenFile(tmp_path / "none", wall).tokens()


def test_a_place_that_cannot_be_written_to(tmp_path, wall):
    """Is told of."""
    (tmp_path / "x").write_text("")
    with pytest.raises(TokenError, match="expected a directory that can be written to"):
        TokenFile(tmp_path / "x", wall).change(lambda known: None)
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("text", ["", "x", "meshd2.-.a.b", "meshd1.-.a", "meshd1.-..b", "meshd1.-.a.b.c", "meshd1.-.a." + "b" * LONGEST])
def test_tells_what_is_no_token(text):
    """Without quoting it."""
    with pytest.raises(TokenError, match=r"expected a token, meshd1.PIN.NAME.SECRET, got something else"):
        parse_secret(text)


def test_a_token_may_carry_no_pin():
    """Where certificates are checked as usual."""
    secret = new_token("a", "", 0.0)[1]
    assert str(secret).startswith("meshd1.-.a.")
    assert secret == parse_secret(f" {secret}\n")


@pytest.mark.parametrize(
    ("groups", "use", "expected"),
    [
        (("shop/web",), "join", True),
        (("shop/*",), "join", True),
        (("shop/we", "bank/web", "bank/*", "*"), "join", False),
        (("shop/web",), "read", False),
    ],
)
def test_a_token_is_for_groups(groups, use, expected):
    """And those for reading are for none."""
    assert expected == Token("a", "", use, groups).may_join("shop", "web")


@pytest.mark.parametrize(
    ("address", "peer", "ranges", "expected"),
    [
        ("10.0.0.1", "10.0.0.1", (), True),
        ("10.0.0.1", "10.0.0.2", (), False),
        ("10.0.0.1", "10.0.0.2", ("10.0.0.0/24",), True),
        ("10.0.1.1", "10.0.0.2", ("10.0.0.0/24", "fd00::/8"), False),
        ("fd00::1", "fd00:0::1", (), True),
        ("::ffff:10.0.0.1", "10.0.0.1", (), True),
    ],
)
def test_a_machine_names_its_own_address(address, peer, ranges, expected):
    """Or one that the token permits."""
    assert expected == Token("a", "", addresses=ranges).may_name(address, peer)
