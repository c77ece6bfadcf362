"""A change: what a service says otherwise than it did. A value, with how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from replayer.contract.violation import Severity

__all__ = ["Change", "ChangeKind"]


class ChangeKind(StrEnum):
    """What became of a place; a client is broken by what it cannot have expected."""

    ADDED = "field added"
    REMOVED = "field removed"
    OPTIONAL = "field sometimes missing"
    TYPE = "type changed"
    FRACTION = "fractions where there were none"
    FILLED = "value where there was only null"
    ENUM = "enum changed"
    WORD = "new word"
    FORMAT = "format changed"
    STATUS = "status changed"
    MEDIA = "content type changed"
    EVENT_ADDED = "event type added"
    EVENT_REMOVED = "event type removed"
    ORDER = "order of events changed"

    @property
    def severity(self) -> Severity:
        return _SEVERITY[self]


_SEVERITY = {
    ChangeKind.ADDED: Severity.INFO,
    ChangeKind.REMOVED: Severity.WARNING,
    ChangeKind.OPTIONAL: Severity.WARNING,
    ChangeKind.TYPE: Severity.ERROR,
    ChangeKind.FRACTION: Severity.WARNING,
    ChangeKind.FILLED: Severity.INFO,
    ChangeKind.ENUM: Severity.ERROR,
    ChangeKind.WORD: Severity.WARNING,
    ChangeKind.FORMAT: Severity.WARNING,
    ChangeKind.STATUS: Severity.ERROR,
    ChangeKind.MEDIA: Severity.ERROR,
    ChangeKind.EVENT_ADDED: Severity.INFO,
    ChangeKind.EVENT_REMOVED: Severity.WARNING,
    ChangeKind.ORDER: Severity.ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place that is not as it was."""

    kind: ChangeKind
    pointer: str
    """JSON pointer with `*` for every index; `""` where it is no place in a message."""
    old: str
    new: str
    message: str = ""
    """Of which message: `POST /v1/chat/completions 200`, `… event message_start`."""
    count: int = 1
    places: tuple[str, ...] = ()
    """Interactions, the first few."""
    old_outline: tuple[str, ...] = ()
    """Around the place, a line a field: names and types, no values."""
    new_outline: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        return self.kind.severity
