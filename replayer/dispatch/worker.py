"""What the queue knows of one connection of a worker.

A worker is its connection, never its `worker_id`: an old connection that closes late takes nobody else's place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["State", "Worker"]


class State(StrEnum):
    """What a connection may do; the table in `queue` says how it changes."""

    NEW = "new"
    """Connected, not registered."""
    ACTIVE = "active"
    PAUSED = "paused"
    DRAINING = "draining"
    """It finishes what it has; only a new registration changes that."""
    REPLACED = "replaced"
    """Another connection registered in its place; it may finish what it has."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """One connection, from its opening to its end. The queue alone changes it."""

    connection: int
    state: State = State.NEW
    worker_id: str = ""
    config_id: str = "default"
    capacity: int = 0
    running: dict[str, None] = field(default_factory=dict)
    """Ids of the jobs that hold its slots, in the order of their dispatch."""

    @property
    def free(self) -> int:
        """Slots for new jobs; below 0 where a new registration made the capacity smaller."""
        return self.capacity - len(self.running) if self.state is State.ACTIVE else 0

    @property
    def serves(self) -> bool:
        """Whether it is the session's worker, or one of them: paused and draining ones are."""
        return self.state is not State.NEW and self.state is not State.REPLACED
