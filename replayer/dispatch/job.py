"""A job: what the queue knows of one piece of work, from its submission to its end.

The queue alone changes it. Nothing here knows workers' connections beyond their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replayer.dispatch.messages import Mode

__all__ = ["Job", "Status"]


class Status(StrEnum):
    """The states that `GET /jobs/{id}` shows."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Job:
    """One job. Who submits it fills in the first fields; the queue does the rest."""

    id: str
    """A UUID of version 7."""
    mode: Mode
    payload: bytes
    """Encoded JSON."""
    value: Any = None
    """What `payload` says, where whoever submitted it had it at hand: a transient job's."""
    created_at: float
    """Seconds of the Unix epoch."""
    wanted: str | None = None
    """The configuration whose workers alone may have it; None where any may."""
    config_id: str = "default"
    """Of the worker that was there when it was submitted."""
    status: Status = Status.PENDING
    fence: int = 0
    """Of the newest attempt; the queue's counter gives it."""
    arrival: int = 0
    """Its place in the order of submission, which is the order of the backlog."""
    attempts: int = 0
    """Dispatches that count: one that a restart of the gateway cut short does not."""
    dispatches: int = 0
    """How often it was given to a worker."""
    connection: int | None = None
    """Where it holds a slot; None while it holds none."""
    worker_id: str = ""
    """Who had the newest attempt; stays when the worker is lost, because it may come back with the result."""
    abandoned: bool = False
    """Its caller left while it ran: it keeps its slot, and nobody wants the result."""
    uploaded: bytes | None = None
    """The result of the newest attempt, encoded JSON, put where `result_upload_url` said; not yet referred to."""
    progress: float | None = None
    """As the worker told it last."""
    status_message: str | None = None
    result: bytes | None = None
    """Encoded JSON; persisted jobs only."""
    error: str | None = None

    @property
    def has_ended(self) -> bool:
        return self.status is Status.COMPLETED or self.status is Status.FAILED
