"""The Date header (RFC 9110, section 5.6.7), formatted once a second."""

from time import gmtime
from typing import Final

DAYS: Final = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")


def format_date(seconds: int) -> bytes:
    """Return the date in seconds since 1970, as `Sun, 06 Nov 1994 08:49:37 GMT`, whatever the locale."""
    t = gmtime(seconds)
    return b"%b, %02d %b %04d %02d:%02d:%02d GMT" % (DAYS[t.tm_wday], t.tm_mday, MONTHS[t.tm_mon - 1], t.tm_year, t.tm_hour, t.tm_min, t.tm_sec)


class DateHeader:
    """The Date header's value for the current second; asking again within the second costs a comparison."""

    __slots__ = ("_second", "_value")

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._second = -1
        self._value = b""

    def at(self, now: float) -> bytes:
        """Return the value for a wall clock time, seconds since 1970."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._value = format_date(second)
        return self._value
