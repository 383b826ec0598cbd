"""Reading ProxyConfigs."""

import pytest

from meshd.model.proxy_config import ProxyConfig
from tests.helpers.networking import PROXY_CONFIG, read, wrong


def test_reads_a_whole_proxy_config():
    """What concerns containers is told of."""
    found = read(ProxyConfig, PROXY_CONFIG)
    assert ProxyConfig(found.metadata, {"app": "web"}, 2) == found
    assert [
        "warning spec.environmentVariables: environmentVariables concerns containers and has no effect",
        "warning spec.image: image concerns containers and has no effect",
    ] == wrong(ProxyConfig, PROXY_CONFIG)


def test_says_nothing_of_what_is_absent():
    """No concurrency is another thing than 0, which is one worker a core."""
    assert (None, 0) == (read(ProxyConfig, "{}").concurrency, read(ProxyConfig, "{concurrency: 0}").concurrency)
    variables = ("", "ISTIO_META_DNS_CAPTURE: '1'", "ISTIO_META_DNS_CAPTURE: x")
    said = [read(ProxyConfig, f"{{environmentVariables: {{{text}}}}}").dns_capture for text in variables]
    assert [None, True, False] == said


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("5", ["error spec: expected a mapping, got the number 5"]),
        ("{concurrency: -1}", ["error spec.concurrency: expected a number from 0 to 2147483647, got the number -1"]),
        ("{concurrency: '2'}", ["error spec.concurrency: expected a number from 0 to 2147483647, got '2'; remove the quotes"]),
        ("{selector: {matchLabels: []}}", ["error spec.selector.matchLabels: expected a mapping, got a list"]),
        ("{concurency: 2}", ["warning spec.concurency: expected a known field, got concurency, which is ignored; did you mean concurrency?"]),
        ("{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}", []),
        ("{environmentVariables: {ISTIO_META_DNS_CAPTURE: true}}", [
            "error spec.environmentVariables.ISTIO_META_DNS_CAPTURE: expected text, got the boolean true; quote it, "
            "plain yes, no, on, off, y and n are booleans",
        ]),
        ("{image: {}}", ["warning spec.image: image concerns containers and has no effect"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong(ProxyConfig, spec)
