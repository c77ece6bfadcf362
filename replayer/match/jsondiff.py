"""Where two JSON values differ, by JSON pointer (RFC 6901).

The rule: bounded. It stops after so many differences, and it goes down without recursion, so that no document can
exhaust it. Lists are compared place by place. A recorded placeholder differs from nothing that fits it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from replayer.match.placeholders import fits
from replayer.match.rules import PLACEHOLDER

__all__ = ["ABSENT", "Change", "diff", "pointer"]


class _Absent:
    """What stands where one side has nothing."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()


class Change(NamedTuple):
    """One place. `recorded` and `asked` are JSON values or `ABSENT`."""

    pointer: str
    recorded: Any
    asked: Any


def pointer(*names: str | int) -> str:
    """Names and indices as a JSON pointer; `""` is the whole value."""
    return "".join("/" + str(name).replace("~", "~0").replace("/", "~1") for name in names)


def diff(recorded: Any, asked: Any, *, limit: int) -> list[Change]:
    """The first `limit` places in which two values differ, in the order of the document."""
    found: list[Change] = []
    waiting: list[Change] = [Change("", recorded, asked)]
    while waiting and len(found) < limit:
        here = waiting.pop()
        if isinstance(here.recorded, dict) and isinstance(here.asked, dict):
            waiting.extend(reversed(list(_of_objects(here))))
        elif isinstance(here.recorded, list) and isinstance(here.asked, list):
            waiting.extend(reversed(list(_of_lists(here))))
        elif not _same(here.recorded, here.asked):
            found.append(here)
    return found


def _of_objects(here: Change) -> Iterator[Change]:
    for name, value in here.recorded.items():
        yield Change(here.pointer + pointer(name), value, here.asked.get(name, ABSENT))
    for name, value in here.asked.items():
        if name not in here.recorded:
            yield Change(here.pointer + pointer(name), ABSENT, value)


def _of_lists(here: Change) -> Iterator[Change]:
    for at in range(max(len(here.recorded), len(here.asked))):
        yield Change(
            f"{here.pointer}/{at}",
            here.recorded[at] if at < len(here.recorded) else ABSENT,
            here.asked[at] if at < len(here.asked) else ABSENT,
        )


def _same(recorded: Any, asked: Any) -> bool:
    if isinstance(recorded, str) and PLACEHOLDER in recorded:
        return asked is not ABSENT and fits(recorded, asked)
    # True == 1 in Python, and in no JSON.
    return type(recorded) is type(asked) and bool(recorded == asked)
