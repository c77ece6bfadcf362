"""One session's queue with its sockets and callers: gives the queue its events, and carries out its commands.

Everything here happens at once, between two awaits: no event waits for a socket. Each frame, in both directions, is
checked and stands in the journal, without its payload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from replayer.cassette.model import Sender
from replayer.clock import Clock
from replayer.contract.violation import Severity, Violation
from replayer.dispatch.commands import Command, Fail, Failure, Resolve, Send, Violated
from replayer.dispatch.connection import Connection
from replayer.dispatch.job import Job
from replayer.dispatch.messages import Error, JobError, JobResult, Malformed, ServerMessage, WorkerMessage
from replayer.dispatch.queue import Queue
from replayer.dispatch.settings import Policy, Settings
from replayer.dispatch.wire import encode, parse
from replayer.journal import Entry, Journal

__all__ = ["Desk", "FrameCheck", "note"]

FrameCheck = Callable[[Sender, str], Sequence[Violation]]
"""Judges the text of one frame; the worker is the client."""


def note(entry: Entry, violation: Violation) -> None:
    """Write a violation into an entry of the journal."""
    where = f"journal {entry.id} {violation.where}".rstrip()
    entry.violations.append(asdict(replace(violation, where=where)))


class Desk:
    """The workers and jobs of one session."""

    def __init__(
        self, session: str, settings: Settings, *, clock: Clock, journal: Journal, check: FrameCheck | None
    ) -> None:
        self.session = session
        self.queue = Queue(settings)
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._check = check
        self._connections: dict[int, Connection] = {}
        self._callers: dict[str, asyncio.Future[Resolve | Fail]] = {}
        self._timer: asyncio.TimerHandle | None = None

    # Callers

    async def run(self, job: Job) -> Resolve | Fail:
        """Submit a transient job and await its end. A caller that is cancelled leaves its job to the worker."""
        caller: asyncio.Future[Resolve | Fail] = asyncio.get_running_loop().create_future()
        self._callers[job.id] = caller
        try:
            self._carry_out(self.queue.submit(job, self._clock.ms()))
            return await caller
        except asyncio.CancelledError:
            self._carry_out(self.queue.cancel(job.id, self._clock.ms()))
            raise
        finally:
            del self._callers[job.id]

    def keep(self, job: Job) -> None:
        """Submit a persisted job."""
        self._carry_out(self.queue.submit(job, self._clock.ms()))

    # Workers

    def opened(self, connection: Connection) -> None:
        """A worker has connected."""
        self._connections[connection.number] = connection
        self.queue.connected(connection.number)

    def closed(self, connection: Connection) -> None:
        """Its connection has ended, whoever ended it."""
        entry = self._journal.open("event", session=self.session)
        worker = self.queue.workers[connection.number]
        entry.details = {
            "event": "worker-dropped" if connection.dropped else "worker-left",
            "worker": worker.worker_id,
            "connection": connection.number,
            "code": connection.socket.close_code,
            "running": list(worker.running),
        }
        if connection.dropped:
            entry.details["reason"] = connection.dropped
        del self._connections[connection.number]
        self._carry_out(self.queue.disconnected(connection.number, self._clock.ms()))
        self._journal.complete(entry)

    def hear(self, connection: Connection, text: str) -> None:
        """A text frame has come."""
        message = parse(text)
        entry = self._frame(connection.number, Sender.CLIENT, message)
        if isinstance(message, Malformed):
            commands = self.queue.malformed(connection.number, message)
        else:
            commands = self._judged(connection.number, message, text, entry)
        self._carry_out(commands, entry)
        self._journal.complete(entry)

    def hear_binary(self, connection: Connection) -> None:
        """A binary frame has come: the protocol has none."""
        malformed = Malformed(what="binary", why="A binary frame is no message: send JSON in text frames")
        entry = self._frame(connection.number, Sender.CLIENT, malformed)
        self._carry_out(self.queue.malformed(connection.number, malformed), entry)
        self._journal.complete(entry)

    async def close(self, code: int, reason: str) -> None:
        """Close every worker's connection, and tell every caller that there is nothing to wait for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for job_id, caller in self._callers.items():
            if not caller.done():
                caller.set_result(Fail(job_id=job_id, failure=Failure.UNAVAILABLE, detail=reason))
        async with asyncio.TaskGroup() as closing:
            for connection in self._connections.values():
                closing.create_task(connection.close(code, reason))

    # Inside

    def _judged(self, number: int, message: WorkerMessage, text: str, entry: Entry) -> list[Command]:
        """Check a message's contract, then give it to the queue as far as the policy lets it."""
        violations = self._check(Sender.CLIENT, text) if self._check is not None else ()
        for violation in violations:
            note(entry, violation)
        errors = [violation for violation in violations if violation.severity is Severity.ERROR]
        if errors and self._settings.policy is Policy.REJECT:
            why = f"Refused: {errors[0].pointer or '/'}: expected {errors[0].expected}"
            if not isinstance(message, JobResult | JobError):
                return [Send(connection=number, message=Error(message=why))]
            message = JobError(job_id=message.job_id, error=why, fence_token=message.fence_token)
        return self.queue.message(number, message, self._clock.ms())

    def _frame(self, number: int, sender: Sender, message: WorkerMessage | ServerMessage | Malformed) -> Entry:
        entry = self._journal.open("frame", session=self.session)
        worker = self.queue.workers.get(number)
        entry.details = {
            "job": getattr(message, "job_id", None),
            "worker": worker.worker_id if worker else "",
            "connection": number,
            "direction": "from-worker" if sender is Sender.CLIENT else "to-worker",
            "type": message.what if isinstance(message, Malformed) else message.type,
        }
        return entry

    def _carry_out(self, commands: Sequence[Command], entry: Entry | None = None) -> None:
        for command in commands:
            if isinstance(command, Send):
                self._send(command)
            elif isinstance(command, Violated):
                if entry is not None:
                    note(entry, command.violation)
            else:
                caller = self._callers.get(command.job_id)
                if caller is not None and not caller.done():
                    caller.set_result(command)
        if self._timer is None:
            self._arm()

    def _send(self, command: Send) -> None:
        connection = self._connections.get(command.connection)
        if connection is None:
            return
        frame = encode(command.message)
        entry = self._frame(command.connection, Sender.SERVER, command.message)
        if self._check is not None:
            for violation in self._check(Sender.SERVER, frame.decode()):
                note(entry, violation)
        connection.push(frame)
        self._journal.complete(entry)

    def _arm(self) -> None:
        deadline = self.queue.next_deadline()
        if deadline is not None:
            wait = max(0.0, (deadline - self._clock.ms()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._carry_out(self.queue.tick(self._clock.ms()))
