"""The lines of a message around the place that a violation names: what a reader of a report looks at.

A message is written as JSON; what lies beside the way to the place is folded to its outline, so that an excerpt of a
message of any size is short. Pure; the lines are not redacted yet.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson

from replayer.cassette.model import FrameKind, Interaction
from replayer.cassette.sse import event_data, split_events
from replayer.contract.message import Unreadable, excerpt, parse

__all__ = ["Lines", "lines_around", "message_of"]

_PLACE = re.compile(r".*#\d+ (?:(request)|response(?: event (\d+))?|frame (\d+).*)", re.DOTALL)
_BESIDE = 4
"""Neighbours that are shown before and after the way to the place, at each level."""
_MOST = 80
_SHORT = 100


class Lines(NamedTuple):
    """Lines of text; `marked` are the indices of those that offend."""

    lines: tuple[str, ...]
    marked: frozenset[int]


def message_of(interaction: Interaction, where: str) -> bytes | None:
    """The message that the place of a violation (`chat.yaml#3 response event 7`) names; None where it names none."""
    found = _PLACE.fullmatch(where)
    if found is None:
        return None
    request, event, frame = found.groups()
    if request:
        return interaction.request.body
    if frame is not None:
        frames = interaction.response.frames or ()
        number = int(frame)
        if number >= len(frames) or frames[number].kind is FrameKind.BINARY:
            return None
        return frames[number].text.encode("utf-8", "surrogatepass")
    if event is None:
        return interaction.response.body
    events = split_events(interaction.response.body)
    return event_data(events[int(event)])[1].encode() if int(event) < len(events) else None


def lines_around(message: bytes, pointer: str) -> Lines | None:
    """The message as JSON around `pointer`; None for one that is no JSON, or has no such place."""
    value = parse(message)
    if isinstance(value, Unreadable):
        return None
    writer = _Writer()
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    writer.write(value, steps, "", "", last=True)
    return Lines(tuple(writer.lines[:_MOST]), frozenset(n for n in writer.marked if n < _MOST))


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.marked: set[int] = set()

    def write(self, value: Any, steps: list[str], indent: str, label: str, *, last: bool) -> None:
        """A value on the way to the place; where no step is left, it is the place."""
        comma = "" if last else ","
        items = _items(value)
        if not steps or items is None:
            self._place(value, indent, label, comma)
            return
        opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
        self.lines.append(f"{indent}{label}{opening}")
        names = [name for name, _ in items]
        at = names.index(steps[0]) if steps[0] in names else 0
        first, end = max(0, at - _BESIDE), min(len(items), at + _BESIDE + 1)
        if first:
            self.lines.append(f"{indent}  …")
        for number in range(first, end):
            name, below = items[number]
            told = f"{_dumped(name)}: " if isinstance(value, dict) else ""
            final = number == len(items) - 1
            if name == steps[0]:
                self.write(below, steps[1:], f"{indent}  ", told, last=final)
            else:
                self.lines.append(f"{indent}  {told}{_folded(below)}{'' if final else ','}")
        if end < len(items):
            self.lines.append(f"{indent}  …")
        self.lines.append(f"{indent}{closing}{comma}")

    def _place(self, value: Any, indent: str, label: str, comma: str) -> None:
        items = _items(value)
        begin = len(self.lines)
        if not items:
            self.lines.append(f"{indent}{label}{_folded(value)}{comma}")
        else:
            opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
            self.lines.append(f"{indent}{label}{opening}")
            for number, (name, below) in enumerate(items[: 4 * _BESIDE]):
                told = f"{_dumped(name)}: " if isinstance(value, dict) else ""
                self.lines.append(f"{indent}  {told}{_folded(below)}{',' if number < len(items) - 1 else ''}")
            if len(items) > 4 * _BESIDE:
                self.lines.append(f"{indent}  …")
            self.lines.append(f"{indent}{closing}{comma}")
        self.marked.update(range(begin, len(self.lines)))


def _items(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, dict):
        return list(value.items())
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, list) else None


def _folded(value: Any) -> str:
    if isinstance(value, dict | list) and value:
        text = excerpt(value, _SHORT)
        folded = "{…}" if isinstance(value, dict) else f"[… {len(value)}]"
        return text if text[:1] in "{[" and not text.endswith("…") else folded
    return excerpt(value, _SHORT)


def _dumped(name: str) -> str:
    return orjson.dumps(name).decode()
