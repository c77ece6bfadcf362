"""The messages of the worker protocol, as values.

A job's payload is kept as encoded JSON: it is encoded once, its size is known before anybody is asked to carry it, and
no nesting can break a frame that is already on its way. Nothing here knows JSON's text (see `wire`), connections or
queues.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Any, ClassVar

from replayer.value import value

__all__ = [
    "Answer",
    "Drain",
    "Error",
    "Job",
    "JobError",
    "JobProgress",
    "JobResult",
    "JobResultRef",
    "JobRevoked",
    "Malformed",
    "Mode",
    "Pause",
    "Register",
    "Resume",
    "ServerMessage",
    "WorkerMessage",
]


class Mode(StrEnum):
    """What a job's answer is for."""

    TRANSIENT = "transient"
    """A caller is waiting; the job is worth nothing without it."""
    PERSISTED = "persisted"
    """It is kept until it has ended, whoever looks."""


@value(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A frame that is no message of the protocol."""

    what: str
    """The type that it claims, or `frame`."""
    why: str
    """One sentence: the text of the error frame."""
    pointer: str = ""
    """JSON pointer to the trouble."""


@value(frozen=True, slots=True, kw_only=True)
class Register:
    """The worker presents itself: always its first message."""

    type: ClassVar[str] = "register"
    worker_id: str
    config_id: str
    capacity: int = 1


@value(frozen=True, slots=True, kw_only=True)
class JobResult:
    """A job is done. `result` is any JSON."""

    type: ClassVar[str] = "job_result"
    job_id: str
    result: Any = field(default_factory=dict)
    fence_token: int = 0


@value(frozen=True, slots=True, kw_only=True)
class JobError:
    """A job failed."""

    type: ClassVar[str] = "job_error"
    job_id: str
    error: str = "Unknown error"
    fence_token: int = 0


@value(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """A job is alive: renews the lease of a persisted one."""

    type: ClassVar[str] = "job_progress"
    job_id: str
    fence_token: int = 0
    progress: float | None = None
    status_message: str | None = None


@value(frozen=True, slots=True, kw_only=True)
class JobResultRef:
    """A job is done and its result was put where `result_upload_url` said; the server says it back when it has it."""

    type: ClassVar[str] = "job_result_ref"
    job_id: str
    fence_token: int = 0


@value(frozen=True, slots=True)
class Drain:
    """No new jobs: the worker is about to leave."""

    type: ClassVar[str] = "drain"


@value(frozen=True, slots=True)
class Pause:
    """No new jobs for a while."""

    type: ClassVar[str] = "pause"


@value(frozen=True, slots=True)
class Resume:
    """Jobs again."""

    type: ClassVar[str] = "resume"


@value(frozen=True, slots=True, kw_only=True)
class Job:
    """The server hands out a job."""

    type: ClassVar[str] = "job"
    job_id: str
    mode: Mode
    config_id: str
    payload: bytes
    """Encoded JSON."""
    fence_token: int
    payload_url: str | None = None
    """Where the payload is to be had by GET; `payload` counts where that fails."""
    result_upload_url: str | None = None
    """Where a large result may be put, by PUT as JSON, before `job_result_ref`."""
    value: Any = None
    """What `payload` says, where that is at hand; never sent."""


@value(frozen=True, slots=True, kw_only=True)
class JobRevoked:
    """The server no longer wants a job from this worker."""

    type: ClassVar[str] = "job_revoked"
    job_id: str
    reason: str


@value(frozen=True, slots=True, kw_only=True)
class Error:
    """The server did not understand, or refuses."""

    type: ClassVar[str] = "error"
    message: str


WorkerMessage = Register | JobResult | JobError | JobProgress | JobResultRef | Drain | Pause | Resume
Answer = JobResult | JobError | JobResultRef
"""What ends a job, as its worker says it."""
ServerMessage = Job | JobRevoked | JobResultRef | Error
