"""Updates as bytes."""

import json
import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.base.addresses import SocketAddress
from meshd.base.errors import WireError
from meshd.base.origins import Origin
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.listener import Listener
from meshd.snapshot.route import RouteConfiguration, VirtualHost
from meshd.snapshot.snapshot import NodeReference
from meshd.snapshot.update import PartUpdate, Update
from meshd.snapshot.wire import ITEMS, KINDS, MAX_BYTES, SCHEMA, decode, decode_slices, encode

NODE = NodeReference("n", addresses=("10.0.0.1",))
UPDATE = Update(NODE, {
    "clusters": PartUpdate("2-x", "1-x", {"a": Cluster("a", "EDS", connect_timeout=0.25)}, ("gone",)),
    "listeners": PartUpdate("1-x", "", {"l": Listener("l", SocketAddress("::", 15001), bind_to_port=True)}),
})
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**40).map(float)
SCALARS = {str: st.text(max_size=8), int: st.integers(-(2**63), 2**64), bool: st.booleans(), float: NUMBERS, type(None): st.none()}


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Give any value of a snapshot's type, from its annotations."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*[values(argument) for argument in arguments])
    if attrs.has(kind):
        return st.deferred(lambda: built(kind))  # a class may hold its own kind
    return st.dictionaries(SCALARS[str], values(arguments[1]), max_size=2)


def built(kind: Any) -> st.SearchStrategy[Any]:
    """Give any value of a class."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in attrs.fields(kind)})


def part_updates(kind: type) -> st.SearchStrategy[PartUpdate]:
    """Give any change of a part."""
    names = st.text(max_size=8)
    return st.builds(PartUpdate, names.filter(bool), names, st.dictionaries(names, values(kind), max_size=2), st.lists(names, max_size=2).map(tuple))


UPDATES = st.builds(Update, values(NodeReference), st.fixed_dictionaries({}, optional={part: part_updates(kind) for part, kind in KINDS.items()}))


@settings(max_examples=60, deadline=None)
@given(UPDATES)
def test_decoding_gives_what_was_encoded(update):
    """Any update survives the wire, whatever its names and texts hold."""
    assert update == decode(encode(update))


def test_one_resource_a_line_without_defaults():
    """The form is stable: a frame, then a line for each resource."""
    frame, cluster, listener = encode(UPDATE).decode().split("\n")
    assert ["clusters", "a", {"name": "a", "type": "EDS", "connect_timeout": 0.25}] == json.loads(cluster)
    assert ["listeners", "l", {"name": "l", "address": {"address": "::", "port": 15001}, "bind_to_port": True}] == json.loads(listener)
    assert {
        "schema": SCHEMA, "node": {"name": "n", "addresses": ["10.0.0.1"]}, "resources": 2,
        "parts": {"clusters": {"version": "2-x", "base": "1-x", "removed": ["gone"]}, "listeners": {"version": "1-x", "base": "", "removed": []}},
    } == json.loads(frame)


def test_decoding_can_be_spread_over_time():
    """One resource a step, the update last; a wrong line is found when it is reached."""
    assert [None, None, UPDATE] == list(decode_slices(encode(UPDATE)))
    steps = decode_slices(encode(UPDATE) + b"\n[]")
    assert [None, None] == [next(steps), next(steps)]
    with pytest.raises(WireError, match="line 4"):
        next(steps)


MANY = 2 * ITEMS + 1
LONG = Update(NODE, {"routes": PartUpdate("1-x", "", {
    "80": RouteConfiguration("80", tuple(VirtualHost(f"h{number}", (f"h{number}",)) for number in range(MANY)), origins=(Origin("a"),)),
    "90": RouteConfiguration("90", (VirtualHost("h", ("h",)),)),
})})


def test_long_lists_go_before_their_resource():
    """They are cut into lines that each take a short time to read; short ones stay where they are."""
    _, *lines = [json.loads(line) for line in encode(LONG).split(b"\n")]
    assert [["routes", "80", "virtual_hosts"]] * 3 == [line[:3] for line in lines[:3]]
    assert [ITEMS, ITEMS, 1] == [len(line[3]) for line in lines[:3]]
    assert [["name", "origins"], ["name", "virtual_hosts"]] == [list(line[2]) for line in lines[3:]]
    assert [*[None] * 5, LONG] == list(decode_slices(encode(LONG)))


def test_reads_the_previous_schema():
    """A worker that is one schema ahead of its control plane understands it."""
    assert UPDATE == decode(encode(UPDATE).replace(b'"schema":%d' % SCHEMA, b'"schema":%d' % (SCHEMA - 1), 1))


def frame(**fields: object) -> bytes:
    """Give a frame with some fields replaced, and no resources."""
    return json.dumps({"schema": SCHEMA, "node": {"name": "n"}, "parts": {}, "resources": 0, **fields}).encode()


CLUSTERS = {"clusters": {"version": "1", "base": "", "removed": []}}
GARBAGE = {
    "nothing": b"", "no JSON": b"{", "binary": bytes(range(256)), "no object": b"[]", "null": b"null", "pickle": b"\x80\x04N.",
    "deep": b"[" * 100_000, "NaN": frame(resources=0).replace(b": 0}", b": NaN}"), "digits": b'{"schema":' + b"9" * 10_000 + b"}",
    "newer schema": frame(schema=SCHEMA + 1), "older schema": frame(schema=SCHEMA - 2), "schema as text": frame(schema=str(SCHEMA)),
    "schema as bool": frame(schema=True), "no node": frame(node=None), "strange node": frame(node={"name": 1}), "no parts": frame(parts=[]),
    "unknown part": frame(parts={"pickles": CLUSTERS["clusters"]}), "part as text": frame(parts={"clusters": "x"}),
    "no version": frame(parts={"clusters": {"base": "", "removed": []}}),
    "empty version": frame(parts={"clusters": {"version": "", "base": "", "removed": []}}),
    "removed as text": frame(parts={"clusters": {"version": "1", "base": "", "removed": "abc"}}), "too few": frame(resources=1),
    "too many": frame(resources=0) + b"\n[]", "negative": frame(resources=-1), "cut short": encode(UPDATE)[:-20],
    "a line less": encode(UPDATE).rsplit(b"\n", 1)[0],
    "line is no list": frame(parts=CLUSTERS, resources=1) + b"\n{}", "line of two": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a"]',
    "part not announced": frame(parts=CLUSTERS, resources=1) + b'\n["routes","a",{"name":"a"}]',
    "part is a list": frame(parts=CLUSTERS, resources=1) + b'\n[[],"a",{"name":"a"}]',
    "named twice": frame(parts=CLUSTERS, resources=2) + b'\n["clusters","a",{"name":"a","type":"EDS"}]' * 2,
    "wrong type": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a",{"name":"a","type":"EDS","lb_policy":"BEST"}]',
    "items of another field": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a","name",["b"]]',
    "items of a list": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a",["services"],[]]',
    "items of the wrong type": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a","services",[1]]',
    "items without a resource": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a","services",[]]',
    "items after their resource":
        frame(parts=CLUSTERS, resources=2) + b'\n["clusters","a",{"name":"a","type":"EDS"}]\n["clusters","a","services",[]]',
    "line of five": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","a","services",[],[]]',
    "long list cut": encode(LONG).rsplit(b"\n", 2)[0],
    "lines run together": encode(UPDATE).replace(b"\n", b""), "invalid UTF-8": frame(parts=CLUSTERS, resources=1) + b'\n["clusters","\xff",{}]',
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused(name):
    """Hostile and broken bytes raise WireError and nothing else."""
    with pytest.raises(WireError):
        decode(GARBAGE[name])


def replace_byte(position: int, byte: bytes) -> bytes:
    """Give an encoded update with one byte replaced or cut out."""
    content = encode(UPDATE)
    return content[:position] + byte + content[position + 1:]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=64) | st.builds(replace_byte, st.integers(0, 400), st.binary(max_size=1)))
def test_no_bytes_raise_anything_but_wire_error(content):
    """Changed bytes are read as something of the right shape, or refused."""
    try:
        found = decode(content)
    except WireError:
        return
    assert isinstance(found, Update)


def test_size_is_bounded():
    """More than any snapshot can have is refused before it is looked at."""
    with pytest.raises(WireError, match="more than a snapshot may have"):
        decode(bytes(MAX_BYTES + 1))
