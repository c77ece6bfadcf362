"""Recorded workers: the jobs of recorded worker connections, with what became of them. Pure.

A job and its answer are found by the job's id, whichever connections of one cassette they passed. An answer that was
not recorded (an upload elsewhere, a connection that was lost) leaves its job without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from replayer.cassette.model import Cassette, FrameKind, Sender
from replayer.dispatch.messages import Job, JobError, JobResult
from replayer.dispatch.wire import parse, parse_server
from replayer.match.canonical import canonical
from replayer.match.canonical import parse as parse_value

__all__ = ["AnsweredJob", "RecordedWorkers", "jobs_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredJob:
    """One job as it was recorded."""

    place: str
    """`<cassette>#<n>` of the connection where it was dispatched."""
    job: Job
    answer: JobResult | JobError | None


def jobs_of(name: str, cassette: Cassette) -> Iterator[AnsweredJob]:
    """The jobs of a cassette's worker connections, in the order of their dispatch."""
    dispatched: dict[tuple[str, int], tuple[str, Job]] = {}
    newest: dict[str, int] = {}
    answers: dict[tuple[str, int], JobResult | JobError] = {}
    for index, interaction in enumerate(cassette.interactions):
        for frame in interaction.response.frames or ():
            if frame.kind is not FrameKind.TEXT:
                continue
            message = (parse if frame.sender is Sender.CLIENT else parse_server)(frame.text)
            if isinstance(message, Job):
                dispatched[message.job_id, message.fence_token] = (f"{name}#{index}", message)
                newest[message.job_id] = message.fence_token
            elif isinstance(message, JobResult | JobError) and message.job_id in newest:
                # Transient answers carry fence 0: they belong to the one dispatch that there was.
                fence = message.fence_token or newest[message.job_id]
                answers.setdefault((message.job_id, fence), message)
    for key, (place, job) in dispatched.items():
        yield AnsweredJob(place=place, job=job, answer=answers.get(key))


class RecordedWorkers:
    """What recorded workers answered, by the job's payload: JSON by value."""

    def __init__(self, cassettes: Iterable[tuple[str, Cassette]]) -> None:
        self._jobs: dict[bytes, list[AnsweredJob]] = {}
        for name, cassette in cassettes:
            for recorded in jobs_of(name, cassette):
                if recorded.answer is not None:
                    self._jobs.setdefault(_key(recorded.job.payload), []).append(recorded)

    def __len__(self) -> int:
        """Jobs with an answer."""
        return sum(len(jobs) for jobs in self._jobs.values())

    def answer(self, payload: bytes, played: dict[bytes, int]) -> AnsweredJob | None:
        """The recorded answer to this job (encoded JSON), None where no worker was asked it. Equal jobs are answered
        in their order, the last one again and again; `played` counts for one session."""
        key = _key(payload)
        jobs = self._jobs.get(key)
        if jobs is None:
            return None
        count = played.get(key, 0)
        played[key] = count + 1
        return jobs[min(count, len(jobs) - 1)]


def _key(payload: bytes) -> bytes:
    try:
        value: Any = parse_value(payload)
    except ValueError:
        return payload
    return canonical(value)
