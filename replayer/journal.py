"""The journal: what a running gateway was asked and what became of it.

Bounded and in memory. An entry is opened before anything happens and completed when all of it has happened, so that
a hanging stream is visible. Whoever writes redacts first: no entry ever holds a secret.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from replayer.clock import Clock, timestamp

__all__ = ["Entry", "Journal", "Outcome"]


_NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The details of most entries."""


class Outcome(StrEnum):
    """Where an answer came from; the values of the header `Replayer-Outcome`."""

    HIT = "hit"
    MISS = "miss"
    STUB = "stub"
    DISPATCHED = "dispatched"
    RECORDED = "recorded"
    LIVE = "live"
    REFUSED = "refused"


# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every entry.
_DISPATCHED, _MISS = Outcome.DISPATCHED, Outcome.MISS


@dataclass(slots=True)
class Entry:
    """One request, one connection, or one frame of a worker; completed in place, then left alone."""

    id: int
    moment: datetime
    """When it was opened."""
    kind: str
    """`http`, `websocket`, `frame`, or `event`."""
    session: str
    method: str = ""
    target: str = ""
    """Path and query, redacted."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What only this kind has: a miss's nearest interactions, a frame's job."""
    started: float = 0.0
    """Of the clock's `ms`."""
    outcome: Outcome | None = None
    status: int | None = None
    interaction: str | None = None
    """`<cassette>#<n>` of what was played."""
    faults: tuple[str, ...] = ()
    """Those that took effect."""
    not_applied: tuple[str, ...] = ()
    """Those that were asked for and could not."""
    violations: tuple[dict[str, Any], ...] = ()
    duration_ms: float | None = None
    """None while it is under way."""

    def note(self, name: str, value: Any) -> None:
        """One more of the details."""
        self.details = {**self.details, name: value}

    @property
    def at(self) -> str:
        """When it was opened: RFC 3339, spelled only when somebody looks."""
        return timestamp(self.moment)


class Journal:
    """The last `limit` entries, and counts of all there ever were."""

    def __init__(self, clock: Clock, *, limit: int = 10_000) -> None:
        self._now, self._ms = clock.now, clock.ms
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._next = 1
        self.watcher: Callable[[Entry], None] | None = None
        """Hears of entries that are complete and of which a user should hear: misses, faults not applied."""
        self.listener: Callable[[Entry], None] | None = None
        """Hears of every entry that is complete."""
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.faulted = 0
        """Entries that a fault took effect on."""
        self.not_applied = 0
        self.request_drift = 0
        """Requests that rules let pass although they ask for something else."""
        self.violations = 0
        """Of severity warning or error."""
        self.unchecked: Counter[str] = Counter()
        """What there was no judging of, by what it was: `an answer of more than 4 MiB`."""

    def open(
        self,
        kind: str,
        *,
        session: str,
        method: str = "",
        target: str = "",
        details: Mapping[str, Any] = _NOTHING,
    ) -> Entry:
        """Begin an entry, visible at once."""
        entry = Entry(self._next, self._now(), kind, session, method, target, details, self._ms())
        self._next += 1
        self._entries.append(entry)
        return entry

    def complete(self, entry: Entry) -> None:
        """The last of it has happened: take its time and count it."""
        entry.duration_ms = self._ms() - entry.started
        if entry.outcome is not None and not (entry.outcome is _DISPATCHED and entry.kind == "websocket"):
            # A worker's connection is no request that was dispatched: dispatching knows how many there were.
            self.outcomes[entry.outcome] += 1
        if entry.faults:
            self.faulted += 1
        if entry.not_applied:
            self.not_applied += len(entry.not_applied)
        if entry.details:
            self._count(entry)
        if self.watcher is not None and (entry.not_applied or entry.outcome is _MISS):
            self.watcher(entry)
        if entry.violations:
            self.violations += sum(violation.get("severity") != "info" for violation in entry.violations)
            self.violations += entry.details.get("violations_more", 0)
        if self.listener is not None:
            self.listener(entry)

    def _count(self, entry: Entry) -> None:
        """What stands among the details."""
        if "request_drift" in entry.details:
            self.request_drift += 1
        if "unchecked" in entry.details:
            self.unchecked.update(entry.details["unchecked"])

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)
