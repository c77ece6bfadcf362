"""The attempts at jobs in recorded worker connections: read from the frames of both sides, for all who look at jobs.

The rule: nothing is guessed beyond what the frames say. A connection on which nobody registered is no worker's. An
answer belongs to the attempt whose fence it names, whichever connection it came over; fence 0, which transient answers
carry, to the newest attempt without an answer, and of a persisted job to one that was revoked before any other. The
first answer counts. What was put or fetched elsewhere is not here: a job whose result went another way has a reference
as its answer. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replayer.cassette.model import Frame, FrameKind, Interaction, Sender
from replayer.dispatch.messages import (
    Answer,
    Job,
    JobProgress,
    JobRevoked,
    Malformed,
    Mode,
    Register,
    ServerMessage,
    WorkerMessage,
)
from replayer.dispatch.wire import parse, parse_server

__all__ = ["Attempt", "attempts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One job as it was handed out once, with what became of it."""

    connection: int
    """Index of the connection's interaction."""
    number: int
    """Its place among the jobs of that connection, from 1."""
    worker: str
    """As it had registered."""
    job: Job
    at: float
    """Milliseconds from the connection's 101 at which it was handed out."""
    answer: Answer | None
    revoked: bool
    progress: int
    """Messages of progress."""
    ms: float | None
    """From its handing out to its answer, or else to its revocation; None where there was neither, or where the two
    were on connections of unknown times."""

    def place(self, cassette: str) -> str:
        """`<cassette>#<n>` of the connection where it was handed out."""
        return f"{cassette}#{self.connection}"


def attempts(interactions: Sequence[Interaction]) -> tuple[Attempt, ...]:
    """Every attempt of one cassette, connection by connection, in the order in which they were handed out."""
    reading = _Reading()
    for index, one in enumerate(interactions):
        reading.connection(index, one.response.at, one.response.frames or ())
    return tuple(attempt.read() for attempt in reading.attempts)


@dataclass(slots=True, kw_only=True)
class _Open:
    """An attempt that is being read."""

    connection: int
    number: int
    worker: str
    job: Job
    at: float
    opened: float | None
    """When its connection was opened, in the file's milliseconds."""
    answer: Answer | None = None
    revoked: bool = False
    progress: int = 0
    ms: float | None = None

    def took(self, connection: int, opened: float | None, at: float) -> float | None:
        """Milliseconds until this moment of a connection."""
        if connection == self.connection:
            return round(at - self.at, 3)
        if opened is None or self.opened is None:
            return None
        return round(opened + at - self.opened - self.at, 3)

    def read(self) -> Attempt:
        return Attempt(
            connection=self.connection,
            number=self.number,
            worker=self.worker,
            job=self.job,
            at=self.at,
            answer=self.answer,
            revoked=self.revoked,
            progress=self.progress,
            ms=self.ms,
        )


class _Reading:
    def __init__(self) -> None:
        self.attempts: list[_Open] = []
        self._of_job: dict[str, list[_Open]] = {}

    def connection(self, index: int, opened: float | None, frames: Sequence[Frame]) -> None:
        worker: str | None = None
        number = 0
        for at, message in _messages(frames):
            if isinstance(message, Register):
                worker = message.worker_id
            elif worker is None:
                continue
            elif isinstance(message, Job):
                number += 1
                attempt = _Open(connection=index, number=number, worker=worker, job=message, at=at, opened=opened)
                self.attempts.append(attempt)
                self._of_job.setdefault(message.job_id, []).append(attempt)
            else:
                self._told(index, opened, at, message)

    def _told(self, index: int, opened: float | None, at: float, message: WorkerMessage | ServerMessage) -> None:
        """Something was said of a job."""
        if isinstance(message, Answer):
            attempt = self._meant(message.job_id, message.fence_token)
            if attempt is not None:
                attempt.answer = message
                attempt.ms = attempt.took(index, opened, at)
        elif isinstance(message, JobProgress):
            attempt = self._meant(message.job_id, message.fence_token)
            if attempt is not None:
                attempt.progress += 1
        elif isinstance(message, JobRevoked):
            given = [one for one in self._of_job.get(message.job_id, ()) if one.connection == index]
            if given and given[-1].answer is None:
                given[-1].revoked = True
                given[-1].ms = given[-1].took(index, opened, at)

    def _meant(self, job_id: str, fence: int) -> _Open | None:
        """The attempt that a worker speaks of."""
        given = self._of_job.get(job_id, [])
        named = [one for one in given if fence and one.job.fence_token == fence] or given
        open_ = [one for one in named if one.answer is None]
        untracked = [one for one in open_ if one.revoked and one.job.mode is Mode.PERSISTED and not fence]
        return next(reversed(untracked or open_), None)


def _messages(frames: Sequence[Frame]) -> Iterator[tuple[float, WorkerMessage | ServerMessage]]:
    """Those frames that are messages of the protocol, with their times; any other connection has none."""
    for frame in frames:
        if frame.kind is FrameKind.TEXT:
            message = parse(frame.text) if frame.sender is Sender.CLIENT else parse_server(frame.text)
            if not isinstance(message, Malformed):
                yield frame.at, message
