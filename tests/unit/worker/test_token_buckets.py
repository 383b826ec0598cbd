"""Buckets that workers share."""

import gc

import pytest

from meshd.worker import token_buckets
from meshd.worker.token_buckets import SIZE, TokenBuckets


def now():
    """Give a time that stands."""
    return 50.0


@pytest.fixture
def path(tmp_path):
    """Give a file as the control plane makes it."""
    found = tmp_path / "buckets"
    with found.open("wb") as file:
        file.truncate(SIZE)
    return str(found)


def test_workers_count_together(path):
    """What has the same key; another key is another bucket."""
    workers = [TokenBuckets(path, index, now) for index in range(3)]
    shared = [worker.bucket("a", 4, 1.0) for worker in workers]
    assert [True, True, True, True, False, False] == [bucket.take() for bucket in shared * 2]
    assert workers[0].bucket("b", 1, 1.0).take()
    assert not TokenBuckets(path, 9, now).bucket("a", 4, 1.0).take()


def test_without_a_file_each_worker_counts_for_itself(tmp_path):
    """Nor with one that is too short."""
    (tmp_path / "short").write_bytes(b"x")
    for path in ("", str(tmp_path / "none"), str(tmp_path / "short")):
        assert [True, True] == [TokenBuckets(path, index, now).bucket("a", 1, 1.0).take() for index in range(2)]


def test_a_bucket_stays_as_long_as_it_is_held():
    """So a change of something else does not fill it."""
    buckets = TokenBuckets("", 0, now)
    held = buckets.bucket("a", 1, 1.0)
    assert held.take()
    assert held is buckets.bucket("a", 1, 1.0)
    del held
    gc.collect()
    assert buckets.bucket("a", 1, 1.0).take()


def test_keys_with_the_same_place_have_buckets_of_their_own(path, monkeypatch):
    """The next place is taken; a full file leaves new ones to each worker."""
    monkeypatch.setattr(token_buckets, "BUCKETS", 2)
    one, other = (TokenBuckets(path, index, now) for index in range(2))
    for key, shares in (("a", True), ("b", True), ("c", False)):
        first, second = one.bucket(key, 1, 1.0), other.bucket(key, 1, 1.0)
        assert (True, not shares) == (first.take(), second.take())
