"""Times in log lines, as Envoy 1.40 writes them."""

import pytest

from meshd.telemetry.log_times import IsoTime, compile_time_format, iso_time

T = 1795438268.008922  # 2026-11-23T12:51:08.008922Z


@pytest.mark.parametrize(("text", "expected"), [
    ("", "2026-11-23T12:51:08.008Z"),
    ("%Y/%m/%dT%H:%M:%S%z", "2026/11/23T12:51:08+0000"),
    ("%s", "1795438268"),
    ("%s.%3f", "1795438268.008"),
    ("%3f", "008"),
    ("%6f", "008922"),
    ("%9f", "008922000"),
    ("%f", "008922000"),
    ("%Y-%m-%dT%H:%M:%E3S%z", "2026-11-23T12:51:08.008+0000"),
    ("%E6S", "08.008922"),
    ("%H%%%M", "12%51"),
    ("day", "day"),
    ("%3s", "1795438268"),
    ("%E*S", "08.008922"),
    ("%E6f %E*f", "008922 008922"),
    ("%Ez %E*z %:z %::z %:::z", "+00:00 +00:00:00 +00:00 +00:00:00 +00"),
    ("%E4Y%ET%EY", "2026T2026"),
    ("%-d %_d %^a %05d", "23 23 MON 00023"),
    ("%Z %%Z", "UTC %Z"),
    ("%P %t %e", "pm \t 23"),
])
def test_formats(text, expected):
    """The second time within a second, too."""
    format_time, problems = compile_time_format(text)
    assert (expected, []) == (format_time(T), problems)
    assert (expected, "" if text else expected) == (format_time(T), "" if text else iso_time(T))


@pytest.mark.parametrize("text", ["%", "%Q", "%0f", "%E", "%E0S", "a%", "%n", "%999d"])
def test_wrong_conversions(text):
    """They are told of, and written as they stand."""
    format_time, problems = compile_time_format(text)
    assert (text, 1) == (format_time(T), len(problems))


@pytest.mark.parametrize("text", ["", "%S.%3f"])
def test_follows_the_clock(text):
    """Forward, within a second, and back."""
    format_time, _ = compile_time_format(text)
    fresh = [compile_time_format(text)[0](at) for at in (T, T + 0.5, T + 1, T - 1, 0.0)]
    assert fresh == [format_time(at) for at in (T, T + 0.5, T + 1, T - 1, 0.0)]
    assert "1970-01-01T00:00:00.000Z" == IsoTime()(0.0)


@pytest.mark.parametrize(("seconds", "expected"), [(T, "08.008922 008922"), (1795438268.0, "08 0"), (1795438268.5, "08.5 5")])
def test_all_digits(seconds, expected):
    """Zeros at the end are left out, with the point where nothing stays."""
    assert expected == compile_time_format("%E*S %E*f")[0](seconds)
