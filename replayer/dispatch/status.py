"""What the dispatch server says of itself: values for the control API and `replayer status`."""

from __future__ import annotations

from dataclasses import dataclass

from replayer.dispatch.job import Status
from replayer.dispatch.messages import Mode
from replayer.dispatch.worker import State

__all__ = ["DispatchStatus", "JobStatus", "WorkerStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """One job, without its payload and result."""

    session: str
    id: str
    mode: Mode
    status: Status
    config_id: str
    created_at: float
    worker_id: str
    """Who had the newest attempt; empty before the first."""
    attempts: int
    fence: int
    progress: float | None
    status_message: str | None
    error: str | None
    """As `status_message` without secrets: both are the worker's words."""


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
    connections: int
    """Of workers, that there ever were."""
    waiting: int
    running: int
    completed: int
    failed: int
