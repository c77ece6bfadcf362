"""What is told of a connection that does not go as recorded: the reason of its close, and the journal's near miss.

The rule: both sides are redacted before they are compared for showing, so that no secret is told; where they differ
in nothing but a secret, the place is told and neither value. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from replayer.cassette.model import Frame, FrameKind
from replayer.match.conversation import Departure, Message, differences, payload
from replayer.match.jsondiff import Change
from replayer.match.nearmiss import Show
from replayer.match.rules import PLACEHOLDER, Rules

__all__ = ["Teller", "frame_name", "reason"]

_MAX_REASON = 123
"""Bytes of a close frame's reason (RFC 6455, 5.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Tells of departures. `redact` takes the secrets out of a text, `show` shortens a value and does so too."""

    rules: Rules
    show: Show
    redact: Callable[[str], str]

    def text(self, departure: Departure, frame: Frame | None, message: Message) -> str:
        """In a sentence: the frame, the first place, what was awaited there and what came."""
        if departure.number is None or frame is None:
            return f"after the last recorded client frame: got {self._message(message)}"
        change = self._changes(departure, frame, message)[0]
        place = f" at {change.pointer}" if change.pointer else ""
        return f"frame {departure.number}{place}: awaited {self.show(change.recorded)}, got {self.show(change.asked)}"

    def near(self, departure: Departure, frame: Frame | None, message: Message) -> list[dict[str, Any]]:
        """The differences from the awaited frame as JSON, as of the near miss of a request."""
        if frame is None:
            return []
        return [
            {
                "matcher": "frame",
                "pointer": change.pointer,
                "recorded": self.show(change.recorded),
                "asked": self.show(change.asked),
            }
            for change in self._changes(departure, frame, message)
        ]

    def awaited(self, frame: Frame) -> str:
        """A frame, named by what it carries."""
        return frame_name(frame) if frame.kind is FrameKind.CLOSE else f"{frame.kind} {self._message(payload(frame))}"

    def _message(self, message: Message) -> str:
        return self.show(self.redact(message) if isinstance(message, str) else message)

    def _changes(self, departure: Departure, frame: Frame, message: Message) -> tuple[Change, ...]:
        if not (isinstance(message, str) and frame.kind is FrameKind.TEXT):
            return departure.changes
        veiled = Frame(at=frame.at, sender=frame.sender, kind=frame.kind, text=self.redact(frame.text))
        shown = differences(veiled, self.redact(message), self.rules)
        return shown or tuple(Change(change.pointer, PLACEHOLDER, PLACEHOLDER) for change in departure.changes)


def frame_name(frame: Frame) -> str:
    """A close by its code, another frame by its kind."""
    return f"a close {frame.code}" if frame.kind is FrameKind.CLOSE else f"a {frame.kind} message"


def reason(text: str) -> bytes:
    """As the reason of a close frame: as much of it as fits, cut between characters."""
    return text.encode("utf-8", "replace")[:_MAX_REASON].decode("utf-8", "ignore").encode()
