"""Pictures are well-formed SVG that shows each value it was given."""

from xml.etree import ElementTree

from tests.bench.picture import bars, growth

SVG = "{http://www.w3.org/2000/svg}"
RATIO = {"median": 0.47, "min": 0.45, "max": 1.2}
SCENARIO = {
    "key": "a", "title": "small <GET>, 32 connections",
    "cases": [{"name": "", "ratios": {"Envoy": {"direct": {"cpu": RATIO}, "meshd": {"cpu": RATIO}, "nginx": {"cpu": RATIO, "p50": RATIO}}}}],
}


def texts(picture):
    """Return all that a picture says."""
    return [element.text for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_draws_a_bar_for_each_ratio():
    """All but the direct case, with its name and value, and everything within the frame."""
    picture = bars([SCENARIO])
    assert ["a: CPU, small <GET>", "meshd 0.47", "nginx 0.47", "Envoy"] == texts(picture)[1:]
    drawn = list(ElementTree.fromstring(picture).iter(f"{SVG}rect"))
    assert 2 == len(drawn)
    assert all(float(bar.get("x")) + float(bar.get("width")) < 860 for bar in drawn)


def test_shows_what_a_scenario_is_about():
    """Of one connection that is latency, which only nginx has here."""
    assert "b: p50, small <GET>" in texts(bars([{**SCENARIO, "key": "b"}]))


def test_draws_nothing_of_nothing():
    """No scenario with a ratio: an empty frame, not a division by nothing."""
    assert ["Envoy"] == texts(bars([{"key": "k", "title": "t", "cases": [{"name": "", "ratios": {}}]}]))[1:]


def test_draws_growth():
    """A line goes up by as much as its values do, and is named."""
    picture = growth("load", "s", {"all": {100.0: 0.1, 10000.0: 10.0}, "one": {100.0: 0.01, 10000.0: 0.02}})
    assert {"load (s)", "100", "10,000", "0.01", "10", "all", "one"} <= set(texts(picture))
    points = [line.get("points").split() for line in ElementTree.fromstring(picture).iter(f"{SVG}polyline")]
    (first, last), (lower, _) = [[tuple(map(float, point.split(","))) for point in line] for line in points]
    assert first[0] < last[0]
    assert first[1] > last[1]
    assert first[1] < lower[1]
