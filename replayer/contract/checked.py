"""What one check found, and how much it held against a schema. Values that add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from replayer.contract.violation import Violation

__all__ = ["Checked", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much was held against a schema, how much had none, and what did not fit."""

    requests: int = 0
    responses: int = 0
    events: int = 0
    """Of `text/event-stream` answers."""
    frames: int = 0
    uncovered: int = 0
    """Messages without a contract, or not all there."""
    violations: tuple[Violation, ...] = ()

    @property
    def count(self) -> int:
        """All messages that were checked."""
        return self.requests + self.responses + self.events + self.frames

    def counts(self) -> Checked:
        """The same without the violations."""
        return replace(self, violations=()) if self.violations else self

    def __add__(self, other: Checked) -> Checked:
        return Checked(
            requests=self.requests + other.requests,
            responses=self.responses + other.responses,
            events=self.events + other.events,
            frames=self.frames + other.frames,
            uncovered=self.uncovered + other.uncovered,
            violations=self.violations + other.violations,
        )


def total(parts: Iterable[Checked]) -> Checked:
    """All of them together, in the order in which they come."""
    found = list(parts)
    return Checked(
        requests=sum(part.requests for part in found),
        responses=sum(part.responses for part in found),
        events=sum(part.events for part in found),
        frames=sum(part.frames for part in found),
        uncovered=sum(part.uncovered for part in found),
        violations=tuple(violation for part in found for violation in part.violations),
    )
