"""What the dispatch server says of itself: values for the control API and `replayer status`."""

from __future__ import annotations

from dataclasses import dataclass

from replayer.dispatch.worker import State

__all__ = ["DispatchStatus", "WorkerStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One open connection of a worker."""

    session: str
    connection: int
    worker_id: str
    config_id: str
    state: State
    capacity: int
    running: tuple[str, ...]
    """Ids of the jobs that hold its slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchStatus:
    """All sessions together."""

    workers: tuple[WorkerStatus, ...]
    waiting: int
    running: int
    completed: int
    failed: int
