"""The jobs of recorded worker connections, for whoever looks at a cassette: how each ended, and what caused it.

The rule: nothing is guessed beyond what the cassette shows. A job's cause is the REST request whose answer names the
job, or else the one that was under way when the job was handed out and asked for what the job asks for; where neither
is there, nobody caused it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from replayer.cassette.model import Interaction
from replayer.dispatch.attempts import Attempt, attempts
from replayer.dispatch.messages import JobError, Mode

__all__ = ["Outcome", "RecordedJob", "recorded_jobs"]

SLACK_MS = 50.0
"""By so much the two clocks of a request and of a connection may differ: they begin at their own first bytes."""


class Outcome(StrEnum):
    """How a job ended on its connection."""

    RESULT = "result"
    ERROR = "error"
    REVOKED = "revoked"
    """And nothing came of it afterwards."""
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedJob:
    """One attempt at a job on one connection."""

    connection: int
    """Index of the connection's interaction."""
    worker: str
    """As it had registered."""
    job_id: str
    task: str
    """What the payload asks for; empty where it does not say."""
    mode: Mode
    fence: int
    at: float
    """Milliseconds from the connection's 101 at which it was handed out."""
    outcome: Outcome = Outcome.UNFINISHED
    ms: float | None = None
    """From there to its end, where both times are known."""
    progress: int = 0
    """Messages of progress."""
    error: str = ""
    caused_by: int | None = None
    """Index of the REST request's interaction."""


def recorded_jobs(interactions: Sequence[Interaction]) -> tuple[RecordedJob, ...]:
    """The jobs of all worker connections in one cassette, connection by connection."""
    asked = [(index, one) for index, one in enumerate(interactions) if _may_cause(one)]
    claimed: set[int] = set()
    jobs = []
    for attempt in attempts(interactions):
        payload = orjson.loads(attempt.job.payload)
        opened = interactions[attempt.connection].response.at
        moment = None if opened is None else opened + attempt.at
        cause = _cause(attempt.job.job_id, payload, moment, asked, claimed)
        if cause is not None:
            claimed.add(cause)
        jobs.append(replace(_told(attempt, payload), caused_by=cause))
    return tuple(jobs)


def _told(attempt: Attempt, payload: Any) -> RecordedJob:
    task = payload.get("task") if isinstance(payload, dict) else None
    answer = attempt.answer
    if isinstance(answer, JobError):
        outcome = Outcome.ERROR
    elif answer is not None:
        outcome = Outcome.RESULT
    else:
        outcome = Outcome.REVOKED if attempt.revoked else Outcome.UNFINISHED
    return RecordedJob(
        connection=attempt.connection,
        worker=attempt.worker,
        job_id=attempt.job.job_id,
        task=task if isinstance(task, str) else "",
        mode=attempt.job.mode,
        fence=attempt.job.fence_token,
        at=attempt.at,
        outcome=outcome,
        ms=attempt.ms,
        progress=attempt.progress,
        error=answer.error if isinstance(answer, JobError) else "",
    )


def _may_cause(one: Interaction) -> bool:
    return one.request.method.upper() == "POST" and not one.is_websocket


def _cause(
    job_id: str,
    payload: Any,
    moment: float | None,
    asked: Sequence[tuple[int, Interaction]],
    claimed: set[int],
) -> int | None:
    named = job_id.encode()
    by_name = next((index for index, one in asked if named and named in one.response.body), None)
    if by_name is not None or moment is None:
        return by_name
    alike = (
        index
        for index, one in asked
        if index not in claimed and _was_under_way(one, moment) and _asks_for(one.request.body, payload)
    )
    return next(alike, None)


def _was_under_way(one: Interaction, moment: float) -> bool:
    """Whether a request had been asked and not yet been answered at that moment of the file."""
    response = one.response
    if response.at is None or not response.chunks:
        return False
    return response.at - SLACK_MS <= moment <= response.at + response.chunks[-1].at + SLACK_MS


def _asks_for(body: bytes | None, payload: Any) -> bool:
    """Whether what both say is the same, and both say something."""
    try:
        said = orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        return False
    if not isinstance(said, Mapping) or not isinstance(payload, Mapping):
        return False
    both = (said.keys() & payload.keys()) - {"task"}
    return bool(both) and all(said[key] == payload[key] for key in both)
