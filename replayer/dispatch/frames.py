"""Frames as the journal has them: whose, of which job, and what was wrong with them; never what they carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from replayer.cassette.model import Sender
from replayer.contract.violation import Severity, Violation
from replayer.dispatch.connection import Connection
from replayer.dispatch.messages import Malformed, ServerMessage, WorkerMessage
from replayer.journal import Entry, Journal

__all__ = ["FrameCheck", "Frames", "note"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every frame.
_CLIENT = Sender.CLIENT

FrameCheck = Callable[[Sender, Any], Sequence[Violation]]
"""Judges the JSON value of one frame; the worker is the client."""


def note(entry: Entry, violation: Violation, show: Callable[[str], str]) -> None:
    """Write a violation into an entry of the journal; of a frame it says which, whose, and of which job.

    `show` takes the secrets out of what was there.
    """
    details = entry.details
    where = f"journal {entry.id}"
    if entry.kind == "frame":
        where += f" frame {details['frame']} {details['direction']} {details['worker'] or '(not registered)'}"
        where += f", job {details['job']}" if details["job"] else ""
    elif violation.where:
        where += f" {violation.where}"
    entry.violations += (asdict(replace(violation, where=where, actual=show(violation.actual))),)


class Frames:
    """The frames of one session's connections."""

    def __init__(self, session: str, journal: Journal, check: FrameCheck | None, show: Callable[[str], str]) -> None:
        self._session = session
        self._journal = journal
        self._check = check
        self._show = show
        self.judges = check is not None
        """Whether there is a contract."""

    def open(self, connection: Connection, sender: Sender, message: WorkerMessage | ServerMessage | Malformed) -> Entry:
        """The entry of one frame, to be completed when all that it leads to is done."""
        connection.frames += 1
        details = {
            "job": getattr(message, "job_id", None),
            "worker": connection.worker.worker_id,
            "connection": connection.number,
            "frame": connection.frames,
            "direction": "from-worker" if sender is _CLIENT else "to-worker",
            "type": message.what if isinstance(message, Malformed) else message.type,
        }
        return self._journal.open("frame", session=self._session, details=details)

    def judge(self, entry: Entry, sender: Sender, value: Any) -> str | None:
        """Hold a frame against its contract, or what it stands for; why it is to be refused, if it is."""
        found = self._check(sender, value) if self._check is not None else None
        return self._refusal(entry, found) if found else None

    def _refusal(self, entry: Entry, violations: Sequence[Violation]) -> str | None:
        why = None
        for violation in violations:
            note(entry, violation, self._show)
            if why is None and violation.severity is Severity.ERROR:
                why = f"Refused: {violation.pointer or '/'}: expected {violation.expected}"
        return why
