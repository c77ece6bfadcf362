"""A recorded connection as a conversation: whose turn it is, and whether what the client says was recorded.

The rule: a server frame waits for the client messages that came before it. Under `order` these come as recorded, one
by one; under `loose` they come in any order and any number of times, and a server frame waits until each different
one before it has come once. A message is the recorded one by JSON value, with the route's ignore rules, or else by
its text or bytes. Pure: it knows no socket and no time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replayer.cassette.model import Frame, FrameKind, Sender
from replayer.match.canonical import canonical, parse
from replayer.match.jsondiff import Change, diff
from replayer.match.placeholders import fits
from replayer.match.rules import Rules

__all__ = ["Conversation", "Departure", "Gate", "Message", "differences", "payload"]

_LIMIT = 20
"""Differences kept of one message."""

Message = str | bytes
"""The payload of a text or of a binary frame."""


class Gate(StrEnum):
    """In which order the client's messages have to come."""

    ORDER = "order"
    LOOSE = "loose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A client's message that was not recorded here."""

    number: int | None
    """Of the frame that was awaited, or comes nearest; None where the client has nothing more to say."""
    changes: tuple[Change, ...] = ()
    """Where that frame and the message differ."""


class Conversation:
    """The playing state of one connection."""

    def __init__(self, frames: Sequence[Frame], rules: Rules, *, gate: Gate = Gate.ORDER) -> None:
        self.frames = frames
        self._rules = rules
        self._gate = gate
        self._at = 0
        self._messages = [n for n, frame in enumerate(frames) if _is_message(frame)]
        self._heard: set[int] = set()
        self._alike: dict[Message, set[int]] = defaultdict(set)
        """Under `loose`: the recorded messages by their value, so that one that is known is not searched for."""
        if gate is Gate.LOOSE:
            for number in self._messages:
                self._alike[_key(payload(frames[number]), rules)].add(number)

    @property
    def turn(self) -> int | None:
        """The frame that goes out or is awaited now; None where nothing more is recorded."""
        return self._at if self._at < len(self.frames) else None

    def pass_on(self) -> None:
        """The server frame whose turn it was has gone out."""
        self._at += 1
        self._settle()

    def hear(self, message: Message) -> Departure | None:
        """Hold a client's message against the recording; None where it fits. It may come before its turn."""
        departure = self._in_order(message) if self._gate is Gate.ORDER else self._loosely(message)
        self._settle()
        return departure

    def _settle(self) -> None:
        while self._at in self._heard:
            self._at += 1

    def _in_order(self, message: Message) -> Departure | None:
        if len(self._heard) == len(self._messages):
            return Departure(number=None)
        number = self._messages[len(self._heard)]
        changes = differences(self.frames[number], message, self._rules)
        if changes:
            return Departure(number=number, changes=changes)
        self._heard.add(number)
        return None

    def _loosely(self, message: Message) -> Departure | None:
        """What is heard counts for every recorded message that it equals; nearest are those not heard yet."""
        alike = self._alike.get(_key(message, self._rules))
        if alike is not None:
            self._heard |= alike
            return None
        found = {n: differences(self.frames[n], message, self._rules) for n in self._messages}
        equal = {number for number, changes in found.items() if not changes}
        if equal:
            self._heard |= equal
            return None
        if not found:
            return Departure(number=None)
        number = min(found, key=lambda n: (n in self._heard, len(found[n]), n))
        return Departure(number=number, changes=found[number])


def differences(frame: Frame, message: Message, rules: Rules) -> tuple[Change, ...]:
    """Where a client's message differs from a recorded one; nothing where it does not."""
    recorded = payload(frame)
    if type(recorded) is not type(message):
        kinds = ("text", "binary") if isinstance(recorded, str) else ("binary", "text")
        return (Change("", f"a {kinds[0]} message", f"a {kinds[1]} message"),)
    if recorded == message:
        return ()
    ours, theirs = _value(recorded, rules), _value(message, rules)
    if ours is None or theirs is None:
        return () if fits(recorded, message) else (Change("", recorded, message),)
    return tuple(diff(ours[0], theirs[0], limit=_LIMIT))


def payload(frame: Frame) -> Message:
    """What a frame carries."""
    return frame.data if frame.kind is FrameKind.BINARY else frame.text


def _is_message(frame: Frame) -> bool:
    return frame.sender is Sender.CLIENT and frame.kind is not FrameKind.CLOSE


def _key(message: Message, rules: Rules) -> Message:
    """Equal for messages of equal value; a binary one's is its bytes."""
    value = _value(message, rules)
    return message if value is None else canonical(value[0]).decode()


def _value(message: Message, rules: Rules) -> tuple[Any] | None:
    """The JSON value of a text message, in a tuple because it may be null; None where it is not JSON."""
    if isinstance(message, bytes):
        return None
    try:
        value = parse(message.encode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    for path in rules.ignore:
        value = path.without(value)
    return (value,)
