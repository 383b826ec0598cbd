"""Access log filters as values."""

import json
from typing import get_args

from meshd.snapshot.log_filter import GRPC_NUMBERS, AllFilters, AnyFilter, FlagFilter, GrpcStatus, LogFilter, StatusFilter
from meshd.snapshot.network_filter import AccessLog
from meshd.snapshot.wire_values import build_reader, build_writer

NESTED: LogFilter = AnyFilter((FlagFilter(("UF",)), AllFilters((StatusFilter("GE", 400), AnyFilter((FlagFilter(), StatusFilter("EQ", 0)))))))


def test_filters_within_filters_travel():
    """To the workers and back; equal ones are one key."""
    log = AccessLog("/a", filter=NESTED)
    write = build_writer(AccessLog)
    assert write is not None
    assert log == build_reader(AccessLog)(json.loads(json.dumps(write(log))))
    assert 1 == len({log, AccessLog("/a", filter=AnyFilter(NESTED.filters))})


def test_every_grpc_status_has_its_number():
    """From 0 to 16."""
    assert list(get_args(GrpcStatus)) == list(GRPC_NUMBERS)
    assert list(range(17)) == list(GRPC_NUMBERS.values())
