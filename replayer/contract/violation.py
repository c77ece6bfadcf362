"""A violation: something that was said and was not agreed. A value, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Severity", "Violation"]


class Severity(StrEnum):
    """How much it matters: an error breaks a client."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    def reaches(self, least: Severity) -> bool:
        """Whether it is at least as grave as `least`."""
        return _ORDER.index(self) >= _ORDER.index(least)


_ORDER = tuple(Severity)
"""From the mildest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Where it is, what was agreed, what was there."""

    where: str
    """`file.yaml#3 response`, `file.yaml#3 frame 7 (worker)`, or `journal 12 request`."""
    pointer: str
    """JSON pointer into the message (RFC 6901); `""` is the whole of it."""
    expected: str
    actual: str
    """An excerpt of what was there, redacted and short."""
    schema: str
    """The `$id` of the schema, or the name of a rule of the protocol."""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.where}: {self.pointer or '/'}: expected {self.expected}, got {self.actual} ({self.schema})"
