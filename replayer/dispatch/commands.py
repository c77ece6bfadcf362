"""What the queue wants done: values, carried out by the server in their order, and open to rewriting before that.

Nothing here knows how they are carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from replayer.contract.violation import Violation
from replayer.dispatch.messages import ServerMessage

__all__ = ["Command", "Fail", "Failure", "Resolve", "Send", "Violated"]


class Failure(IntEnum):
    """Why a caller gets no result; the value is the status of its answer."""

    WORKER = 502
    """The worker reported an error, or was lost."""
    REFUSED = 422
    """Its job breaks the contract, and the policy is to refuse such."""
    UNAVAILABLE = 503
    TIMED_OUT = 504


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say this to a worker."""

    connection: int
    message: ServerMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """The caller of a transient job gets this result: any JSON."""

    job_id: str
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The caller of a transient job gets none."""

    job_id: str
    failure: Failure
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violated:
    """The message that was just given to the queue breaks the order of the protocol, or is none."""

    connection: int
    violation: Violation
    job_id: str | None = None


Command = Send | Resolve | Fail | Violated
