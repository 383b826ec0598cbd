"""What `make bench` is asked for, in environment variables."""

from collections.abc import Collection, Mapping
from pathlib import Path

import attrs

from tests.bench.running import Rounds

FULL, QUICK = Rounds(7, 6), Rounds(3, 2)
DEFAULT = "a"


@attrs.frozen
class Options:
    """
    What to do.

    Attributes:
        scenarios: Their keys, in order.
        rounds: Of each case.
        json: Where the results are written as JSON.
        picture: Where a picture of them is written.
    """

    scenarios: tuple[str, ...]
    rounds: Rounds
    json: Path | None = None
    picture: Path | None = None


def read_options(environment: Mapping[str, str], known: Collection[str]) -> Options:
    """
    Read SCENARIO (keys with commas between, or `all`), QUICK, ROUNDS, LENGTH (seconds a run), JSON and PICTURE.

    Raises:
        ValueError: If one of them makes no sense; one line.
    """
    named = environment.get("SCENARIO") or DEFAULT
    keys = tuple(known) if named == "all" else tuple(key.strip() for key in named.split(","))
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise ValueError(f"SCENARIO: expected {', '.join(known)} or all, got {', '.join(unknown)}")
    rounds = FULL if environment.get("QUICK", "") in ("", "0") else QUICK
    rounds = Rounds(_number(environment, "ROUNDS", rounds.count), _number(environment, "LENGTH", rounds.seconds))
    return Options(keys, rounds, _path(environment, "JSON"), _path(environment, "PICTURE"))


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{name}: expected a number above 0, got {text}")
    return int(text)


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None
