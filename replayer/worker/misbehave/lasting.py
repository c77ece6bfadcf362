"""Misbehaviours of sizes, time and lost connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replayer.dispatch.messages import Answer, Job, JobProgress, Register, WorkerMessage
from replayer.dispatch.wire import encode
from replayer.worker.conduct import Conduct, Hearing

__all__ = ["LASTING"]


class SmallMessages(Conduct):
    """takes messages of 256 KiB at most"""

    name = "small-messages"
    max_message_bytes = 262_144


class DiesOfSize(Conduct):
    """ends when a message is over its limit"""

    name = "dies-of-size"

    def returns(self, code: int | None) -> bool:
        return code != 1009


class NoPayloadUrl(Conduct):
    """does not look at payload_url"""

    name = "no-payload-url"
    fetches_payload = False


class PayloadUrlOnly(Conduct):
    """drops a job whose payload_url cannot be had"""

    name = "payload-url-only"
    inline_payload = False


class FalseUpload(Conduct):
    """says job_result_ref without having uploaded"""

    name = "false-upload"
    uploads = False


class NoUpload(Conduct):
    """sends large results in messages, though an upload is offered"""

    name = "no-upload"
    upload_from = 1 << 62


class NoProgress(Conduct):
    """renews no lease"""

    name = "no-progress"

    def progress(self, tracked: Sequence[tuple[str, int]]) -> Sequence[WorkerMessage]:
        return []


class LateProgress(Conduct):
    """reports progress after the answer"""

    name = "late-progress"

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        return [encode(reply), encode(JobProgress(job_id=job.job_id, fence_token=job.fence_token, progress=0.5))]


class Impatient(Conduct):
    """cuts a connection on which half a second passes without a whole message"""

    name = "impatient"
    patience = 0.5


class NoReturn(Conduct):
    """ends when its connection is lost"""

    name = "no-return"

    def returns(self, code: int | None) -> bool:
        return False


class FinalGoodbye(Conduct):
    """takes close 1000 for the end"""

    name = "final-1000"

    def returns(self, code: int | None) -> bool:
        return code != 1000


class FinalPolicy(Conduct):
    """takes close codes of 4000 and above for the end"""

    name = "final-4000s"

    def returns(self, code: int | None) -> bool:
        return code is None or code < 4000


class FinalCut(Conduct):
    """ends when its connection is cut"""

    name = "final-cut"

    def returns(self, code: int | None) -> bool:
        return code not in (None, 1006)


class NewIdentity(Conduct):
    """registers with another worker_id each time"""

    name = "new-identity"

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        return [encode(replace(register, worker_id=f"{register.worker_id}-{connection}"))]


class ForgetsJobs(Conduct):
    """drops what runs when its connection is lost"""

    name = "forgets-jobs"
    keeps_running = False


class OneLife(Conduct):
    """answers nothing on its second connection"""

    name = "one-life"

    def __init__(self) -> None:
        self._connection = 0

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        self._connection = connection
        return super().greets(register, connection)

    def takes(self, job: Job, running: int) -> Hearing:
        return Hearing.TAKE if self._connection == 1 else Hearing.IGNORE


LASTING: tuple[type[Conduct], ...] = (
    SmallMessages,
    DiesOfSize,
    NoPayloadUrl,
    PayloadUrlOnly,
    FalseUpload,
    NoUpload,
    NoProgress,
    LateProgress,
    Impatient,
    NoReturn,
    FinalGoodbye,
    FinalPolicy,
    FinalCut,
    NewIdentity,
    ForgetsJobs,
    OneLife,
)
