"""How a worker behaves on its connection: as the public SDK does, and as is advised where that is better.

A misbehaviour is one that overrides a part of it.

Only what a worker says and takes is decided here; `link` and `work` do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

from replayer.dispatch.messages import Answer, Job, JobProgress, Register, WorkerMessage
from replayer.dispatch.wire import encode

__all__ = ["Conduct", "Hearing"]


class Hearing(Enum):
    """What becomes of something that the queue said."""

    TAKE = "take"
    IGNORE = "ignore"
    HANG_UP = "hang-up"
    """The connection is closed, and made anew."""
    DIE = "die"
    """The worker ends, as one does whose reader raised."""


class Conduct:
    """The well-behaved worker. One object lives as long as its worker."""

    name: ClassVar[str] = ""
    max_message_bytes: ClassVar[int] = 1_048_576
    """What the public SDK takes; a larger message closes the connection with 1009."""
    compresses: ClassVar[bool] = True
    """It offers permessage-deflate."""
    sends_token: ClassVar[bool] = True
    answers_pings: ClassVar[bool] = True
    sends_binary: ClassVar[bool] = False
    fetches_payload: ClassVar[bool] = True
    """It gets the payload from `payload_url`."""
    inline_payload: ClassVar[bool] = True
    """Where `payload_url` fails, it uses the payload of the message."""
    uploads: ClassVar[bool] = True
    """It puts a large result where `result_upload_url` says."""
    upload_from: ClassVar[int] = 262_144
    """Bytes of an encoded result above which it is put there; the public SDK's threshold."""
    repeats: ClassVar[bool] = False
    """It works once more at a job that comes once more with the same fence, as the public SDK does."""
    keeps_running: ClassVar[bool] = True
    """What runs when a connection is lost is answered over the next one."""
    drains: ClassVar[bool] = True
    """It says `drain` before it leaves."""
    after_drain: ClassVar[bytes | None] = None
    """What it says after `drain`, beside answers."""
    finishes: ClassVar[bool] = True
    """It answers the running jobs before it leaves."""
    close_code: ClassVar[int | None] = 1000
    """It leaves with this code; None: without a closing handshake."""
    exit_status: ClassVar[int] = 0
    patience: ClassVar[float | None] = None
    """Seconds without a whole message after which it gives a connection up; None: it never does."""

    def socket_url(self, base: str) -> str:
        """Where it connects; `base` is the queue's URL, with or without a slash at its end."""
        return base.rstrip("/") + "/ws"

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        """What it says first on its n-th connection, counted from 1."""
        return [encode(register)]

    def hears(self, text: str | bytes, *, draining: bool) -> Hearing:
        """Whether it takes in what the queue said: a message, or what is none."""
        return Hearing.TAKE

    def takes(self, job: Job, running: int) -> Hearing:
        """Whether it begins a job beside so many that are running; capacity is the queue's affair."""
        return Hearing.TAKE

    def progress(self, tracked: Sequence[tuple[str, int]]) -> Sequence[WorkerMessage]:
        """What renews the leases of persisted jobs, given by id and fence."""
        return [JobProgress(job_id=job, fence_token=fence, status_message="processing") for job, fence in tracked]

    def answers(self, job: Job, reply: Answer) -> Sequence[bytes]:
        """The frames that tell how a job ended."""
        return [encode(reply)]

    def returns(self, code: int | None) -> bool:
        """Whether it connects again after a connection that ended with this code: no code is final."""
        return True
