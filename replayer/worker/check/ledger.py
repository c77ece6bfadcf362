"""What was given to the worker and what it said: the order of the protocol, over all of its connections. Pure.

The rules are the queue's own (`dispatch.order`); which one is broken is decided here, because this worker is given what
no queue would give: a job twice, more than its capacity, a revoked one. Answers that such a job makes legitimate are
not held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from replayer.contract.violation import Violation
from replayer.dispatch import order
from replayer.dispatch.messages import (
    Answer,
    Drain,
    Job,
    JobProgress,
    JobResultRef,
    Mode,
    Pause,
    Register,
    Resume,
    WorkerMessage,
)

__all__ = ["Given", "Ledger"]


@dataclass(slots=True, kw_only=True)
class Given:
    """One job as the worker was given it."""

    job: Job
    at: float
    """When it was first given, in the clock's milliseconds."""
    deliveries: int = 0
    revoked: bool = False
    uploaded: bytes | None = None
    """What was put at its `result_upload_url`."""
    fetched: bool = False
    """Its `payload_url` was asked for."""
    answers: list[Answer] = field(default_factory=list)
    answered_at: float | None = None
    progress: list[JobProgress] = field(default_factory=list)


class Ledger:
    """Every job that was given, by id."""

    def __init__(self) -> None:
        self._given: dict[str, Given] = {}
        self._registered: set[int] = set()
        self._draining: set[int] = set()

    @property
    def given(self) -> Mapping[str, Given]:
        """Every job, in the order in which it was first given."""
        return self._given

    @property
    def open(self) -> tuple[Given, ...]:
        """The jobs without an answer."""
        return tuple(given for given in self._given.values() if not given.answers)

    def give(self, job: Job, now_ms: float) -> Given:
        """The worker is given a job, perhaps again."""
        given = self._given.setdefault(job.job_id, Given(job=job, at=now_ms))
        given.deliveries += 1
        return given

    def hear(self, connection: int, message: WorkerMessage, now_ms: float) -> Violation | None:
        """The worker said something; the rule that it breaks, if it breaks one."""
        if isinstance(message, Register):
            self._registered.add(connection)
            self._draining.discard(connection)
            return None
        if connection not in self._registered:
            return order.register_first(message.type)
        if isinstance(message, Drain):
            self._draining.add(connection)
            return None
        if isinstance(message, Pause | Resume):
            return order.after_drain(message.type) if connection in self._draining else None
        given = self._given.get(message.job_id)
        if given is None:
            return order.no_such_job(message.job_id)
        if isinstance(message, JobProgress):
            return self._progress(given, message)
        return self._answer(given, message, now_ms)

    def _answer(self, given: Given, message: Answer, now_ms: float) -> Violation | None:
        first = not given.answers
        if first:
            given.answered_at = now_ms
        given.answers.append(message)
        if len(given.answers) > given.deliveries:
            return order.late(given.job.job_id, "answered")
        if isinstance(message, JobResultRef) and given.uploaded is None:
            return order.not_uploaded(given.job.job_id, offered=given.job.result_upload_url is not None)
        return _fence(given, message.fence_token, first=first)

    def _progress(self, given: Given, message: JobProgress) -> Violation | None:
        if len(given.answers) >= given.deliveries:
            return order.late(given.job.job_id, "answered")
        given.progress.append(message)
        return _fence(given, message.fence_token, first=True)


def _fence(given: Given, fence: int, *, first: bool) -> Violation | None:
    """A persisted job echoes its fence; one that is no longer tracked, revoked or answered before, may say 0."""
    job = given.job
    if job.mode is Mode.TRANSIENT or fence == job.fence_token or (fence == 0 and (given.revoked or not first)):
        return None
    return order.foreign_fence(job.fence_token, fence)
