"""Misbehaviours of answering: wrong answers, too many, and none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replayer.dispatch.messages import Answer, Job, JobError, JobResult, Mode, Register
from replayer.dispatch.wire import encode
from replayer.worker.conduct import Conduct, Hearing
from replayer.worker.misbehave.text import changed

__all__ = ["ANSWERING"]


class NoAnswer(Conduct):
    """takes jobs and never answers"""

    name = "no-answer"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return []


class AnswersTwice(Conduct):
    """answers every job twice"""

    name = "answers-twice"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(reply), encode(reply)]


class AnswersDuplicates(Conduct):
    """answers a job each time that it comes, as the public SDK"""

    name = "answers-duplicates"
    repeats = True


class WrongId(Conduct):
    """answers with the id of a job that never was"""

    name = "wrong-job-id"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(replace(reply, job_id=f"not-{reply.job_id}"))]


class NoFence(Conduct):
    """answers persisted jobs with fence 0"""

    name = "no-fence"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(replace(reply, fence_token=0))]


class TransientFence(Conduct):
    """answers transient jobs with a fence that is not theirs"""

    name = "transient-fence"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(replace(reply, fence_token=4711) if job.mode is Mode.TRANSIENT else reply)]


class BadResult(Conduct):
    """answers with results that break their task's schema"""

    name = "bad-result"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        if isinstance(reply, JobResult) and isinstance(reply.result, dict):
            broken = dict.fromkeys(("completion", "embeddings", "audio_base64", "text", "images"), 7)
            reply = replace(reply, result={**reply.result, **broken})
        return [encode(reply)]


class BareResult(Conduct):
    """answers with a result that is a string"""

    name = "bare-result"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(replace(reply, result="done") if isinstance(reply, JobResult) else reply)]


class OneAtATime(Conduct):
    """drops a job that comes while another runs, whatever its capacity"""

    name = "one-at-a-time"

    def takes(self, job: Job, running: int) -> Hearing:
        return Hearing.IGNORE if running else Hearing.TAKE


class KeepsToCapacity(Conduct):
    """drops jobs beyond its capacity"""

    name = "keeps-to-capacity"

    def __init__(self) -> None:
        self._capacity = 1

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        self._capacity = register.capacity
        return super().greets(register, connection)

    def takes(self, job: Job, running: int) -> Hearing:
        return Hearing.TAKE if running < self._capacity else Hearing.IGNORE


class SilentErrors(Conduct):
    """does not answer a job that fails"""

    name = "silent-errors"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [] if isinstance(reply, JobError) else [encode(reply)]


class EmptyErrors(Conduct):
    """fails jobs with an empty error"""

    name = "empty-errors"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(replace(reply, error="") if isinstance(reply, JobError) else reply)]


class WordlessErrors(Conduct):
    """fails jobs with an error that is an object"""

    name = "wordless-errors"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [changed(encode(reply), error={"code": 1}) if isinstance(reply, JobError) else encode(reply)]


class UnknownTasksSilent(Conduct):
    """does not answer a task that it does not know"""

    name = "silent-on-unknown-tasks"

    def takes(self, job: Job, running: int) -> Hearing:
        return Hearing.IGNORE if b'"replayer/no-such-task"' in job.payload else Hearing.TAKE


class DiesOfPayloads(Conduct):
    """ends when a payload is no object"""

    name = "dies-of-payloads"

    def takes(self, job: Job, running: int) -> Hearing:
        return Hearing.TAKE if job.payload.startswith(b"{") else Hearing.DIE


class SilentPayloads(Conduct):
    """does not answer a payload that is no object, as the public SDK"""

    name = "silent-on-payloads"

    def takes(self, job: Job, running: int) -> Hearing:
        return Hearing.TAKE if job.payload.startswith(b"{") else Hearing.IGNORE


class BinaryAnswers(Conduct):
    """sends binary frames"""

    name = "binary-frames"
    sends_binary = True


class Chatty(Conduct):
    """sends messages that the protocol does not have"""

    name = "unknown-messages"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [b'{"type":"heartbeat"}', encode(reply)]


ANSWERING: tuple[type[Conduct], ...] = (
    NoAnswer,
    AnswersTwice,
    AnswersDuplicates,
    WrongId,
    NoFence,
    TransientFence,
    BadResult,
    BareResult,
    OneAtATime,
    KeepsToCapacity,
    SilentErrors,
    EmptyErrors,
    WordlessErrors,
    UnknownTasksSilent,
    DiesOfPayloads,
    SilentPayloads,
    BinaryAnswers,
    Chatty,
)
