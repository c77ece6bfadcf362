"""The jobs in a recorded worker connection: read from its frames, as the queue gave them out and the worker ended them.

The rule: nothing is guessed beyond what the cassette shows. A job's cause is the REST request whose answer names the
job, or else the one that was under way when the job was handed out and asked for what the job asks for; where neither
is there, nobody caused it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from replayer.cassette.model import Frame, FrameKind, Interaction, Sender
from replayer.dispatch.messages import (
    Job,
    JobError,
    JobProgress,
    JobResult,
    JobResultRef,
    JobRevoked,
    Malformed,
    Mode,
    Register,
    ServerMessage,
    WorkerMessage,
)
from replayer.dispatch.wire import parse, parse_server

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
    """As it registered; empty where it had not."""
    job_id: str
    task: str
    """What the payload asks for; empty where it does not say."""
    mode: Mode
    fence: int
    at: float
    """Milliseconds from the connection's 101 at which it was handed out."""
    outcome: Outcome = Outcome.UNFINISHED
    ms: float | None = None
    """From there to its end."""
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
    for index, one in enumerate(interactions):
        for job, payload in _of_connection(index, one.response.frames or ()):
            moment = None if one.response.at is None else one.response.at + job.at
            cause = _cause(job, payload, moment, asked, claimed)
            if cause is not None:
                claimed.add(cause)
            jobs.append(replace(job, caused_by=cause))
    return tuple(jobs)


def _of_connection(index: int, frames: Sequence[Frame]) -> list[tuple[RecordedJob, Any]]:
    worker = ""
    jobs: list[RecordedJob] = []
    payloads: list[Any] = []
    for frame, message in _messages(frames):
        if isinstance(message, Register):
            worker = message.worker_id
        elif isinstance(message, Job):
            payload = orjson.loads(message.payload)
            task = payload.get("task") if isinstance(payload, dict) else None
            payloads.append(payload)
            jobs.append(
                RecordedJob(
                    connection=index,
                    worker=worker,
                    job_id=message.job_id,
                    task=task if isinstance(task, str) else "",
                    mode=message.mode,
                    fence=message.fence_token,
                    at=frame.at,
                )
            )
        else:
            _told(jobs, frame, message)
    return list(zip(jobs, payloads, strict=True))


def _told(jobs: list[RecordedJob], frame: Frame, message: WorkerMessage | ServerMessage) -> None:
    """Something was said about a job: about the last attempt at it."""
    job_id = getattr(message, "job_id", None)
    place = next((n for n in range(len(jobs) - 1, -1, -1) if jobs[n].job_id == job_id), None)
    if place is None:
        return
    job = jobs[place]
    ms = round(frame.at - job.at, 3)
    match message:
        case JobProgress():
            jobs[place] = replace(job, progress=job.progress + 1)
        case JobResult() | JobResultRef():
            jobs[place] = replace(job, outcome=Outcome.RESULT, ms=ms)
        case JobError():
            jobs[place] = replace(job, outcome=Outcome.ERROR, error=message.error, ms=ms)
        case JobRevoked() if job.outcome is Outcome.UNFINISHED:
            jobs[place] = replace(job, outcome=Outcome.REVOKED, ms=ms)


def _messages(frames: Sequence[Frame]) -> Iterator[tuple[Frame, WorkerMessage | ServerMessage]]:
    """Those frames that are messages of the protocol; any other connection has none."""
    for frame in frames:
        if frame.kind is FrameKind.TEXT:
            message = parse(frame.text) if frame.sender is Sender.CLIENT else parse_server(frame.text)
            if not isinstance(message, Malformed):
                yield frame, message


def _may_cause(one: Interaction) -> bool:
    return one.request.method.upper() == "POST" and not one.is_websocket


def _cause(
    job: RecordedJob,
    payload: Any,
    moment: float | None,
    asked: Sequence[tuple[int, Interaction]],
    claimed: set[int],
) -> int | None:
    named = job.job_id.encode()
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
