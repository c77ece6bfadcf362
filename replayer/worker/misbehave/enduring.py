"""Misbehaviours of hearing: workers that end, or hang up, over what a queue may say."""

from __future__ import annotations

from typing import ClassVar

from replayer.dispatch.messages import Job, Malformed
from replayer.dispatch.wire import parse_server
from replayer.worker.conduct import Conduct, Hearing
from replayer.worker.misbehave.text import keys_of

__all__ = ["ENDURING"]


class DiesOfDuplicates(Conduct):
    """ends when a job comes twice"""

    name = "dies-of-duplicates"

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def takes(self, job: Job, running: int) -> Hearing:
        if job.job_id in self._seen:
            return Hearing.DIE
        self._seen.add(job.job_id)
        return Hearing.TAKE


class DiesOf(Conduct):
    """Ends when it is sent one type of message."""

    fatal: ClassVar[str] = ""

    def hears(self, text: str | bytes, *, draining: bool) -> Hearing:
        message = parse_server(text)
        kind = "" if isinstance(message, Malformed) else message.type
        return Hearing.DIE if kind == self.fatal else Hearing.TAKE


class DiesOfRevoke(DiesOf):
    """ends when a job is revoked"""

    name = "dies-of-revoke"
    fatal = "job_revoked"


class DiesOfErrors(DiesOf):
    """ends when the queue sends an error"""

    name = "dies-of-errors"
    fatal = "error"


class DiesOfGarbage(Conduct):
    """ends when it is sent what is no JSON, or no object"""

    name = "dies-of-garbage"

    def hears(self, text: str | bytes, *, draining: bool) -> Hearing:
        return Hearing.DIE if keys_of(text) is None and isinstance(text, str) else Hearing.TAKE


class DiesOfUnknown(Conduct):
    """ends when it is sent a type of message that it does not know"""

    name = "dies-of-unknown"

    def hears(self, text: str | bytes, *, draining: bool) -> Hearing:
        keys = keys_of(text)
        unknown = keys is not None and keys.get("type") not in ("job", "job_revoked", "error")
        return Hearing.DIE if unknown else Hearing.TAKE


class DiesOfBinary(Conduct):
    """ends when it is sent a binary frame"""

    name = "dies-of-binary"

    def hears(self, text: str | bytes, *, draining: bool) -> Hearing:
        return Hearing.DIE if isinstance(text, bytes) else Hearing.TAKE


class Touchy(Conduct):
    """closes its connection when it is sent what is no JSON, and comes back"""

    name = "touchy"

    def hears(self, text: str | bytes, *, draining: bool) -> Hearing:
        return Hearing.HANG_UP if keys_of(text) is None else Hearing.TAKE


ENDURING: tuple[type[Conduct], ...] = (
    DiesOfDuplicates,
    DiesOfRevoke,
    DiesOfErrors,
    DiesOfGarbage,
    DiesOfUnknown,
    DiesOfBinary,
    Touchy,
)
