"""One session's queue with its sockets and callers: gives the queue its events, and carries out its commands.

Everything here happens at once, between two awaits: no event waits for a socket. What became of persisted jobs is
written down before anybody is told. Each frame, in both directions, is checked and stands in the journal, without its
payload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from replayer.cassette.model import Sender
from replayer.clock import Clock
from replayer.dispatch import order
from replayer.dispatch.commands import Command, Fail, Failure, Resolve, Send, Violated
from replayer.dispatch.connection import Connection
from replayer.dispatch.frames import FrameCheck, Frames, note
from replayer.dispatch.job import Job
from replayer.dispatch.ledger import NOTHING
from replayer.dispatch.messages import (
    Error,
    JobError,
    JobResult,
    JobResultRef,
    Malformed,
    Mode,
    WorkerMessage,
)
from replayer.dispatch.messages import Job as JobMessage
from replayer.dispatch.offload import Offload
from replayer.dispatch.queue import Queue
from replayer.dispatch.settings import Offloading, Policy, Settings
from replayer.dispatch.watch import Watch
from replayer.dispatch.wire import decode, encode, message_of, value_of
from replayer.errors import WriteError
from replayer.journal import Entry, Journal

if TYPE_CHECKING:  # sqlite3 is imported by whoever opens a store
    from replayer.dispatch.store import JobStore

__all__ = ["Desk", "Desks"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every frame.
_CLIENT, _SERVER = Sender.CLIENT, Sender.SERVER
_OFFLOADS, _PERSISTED = Offloading.ON, Mode.PERSISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """What every desk of a server is handed."""

    settings: Settings
    clock: Clock
    journal: Journal
    random: Callable[[int], bytes]
    show: Callable[[str], str]
    """Takes the secrets out of what is told of a message."""
    check: FrameCheck | None = None
    store: JobStore | None = None


class Desk:
    """The workers and jobs of one session."""

    def __init__(self, session: str, parts: Desks) -> None:
        self.session = session
        self.queue = Queue(parts.settings)
        self.watch = Watch()
        self.offload = Offload(limit=parts.settings.max_frame_bytes, random=parts.random, uploaded=self._uploaded)
        self.played: dict[bytes, int] = {}
        """Counts of what was answered from recorded workers."""
        self._parts = parts
        self._settings = parts.settings
        self._clock = parts.clock
        self._journal = parts.journal
        self._frames = Frames(session, parts.journal, parts.check, parts.show)
        self._store = parts.store
        self._unwritten = NOTHING
        self._connections: dict[int, Connection] = {}
        self._callers: dict[str, asyncio.Future[Resolve | Fail]] = {}
        self._timer: asyncio.TimerHandle | None = None

    # Callers

    def submit(self, job: Job) -> asyncio.Future[Resolve | Fail]:
        """Submit a transient job: its end is to be awaited, then `left` to be called, also by who is cancelled."""
        caller: asyncio.Future[Resolve | Fail] = asyncio.get_running_loop().create_future()
        self._callers[job.id] = caller
        self._carry_out(self.queue.submit(job, self._clock.ms()))
        return caller

    def left(self, job: Job) -> None:
        """The caller of a transient job waits no longer; a job that has not ended is left to the worker."""
        caller = self._callers.pop(job.id)
        if not caller.done() or caller.cancelled():
            self._carry_out(self.queue.cancel(job.id, self._clock.ms()))
        self.offload.forget(job.id)

    def keep(self, job: Job) -> None:
        """Submit a persisted job. Raises WriteError where it cannot be written down: then it was never accepted."""
        now = self._clock.ms()
        commands = self.queue.submit(job, now)
        try:
            self._write()
        except WriteError:
            commands = self.queue.cancel(job.id, now)
            # Nobody was told of the job: there is nothing to revoke.
            self._carry_out([command for command in commands if _job_of(command) != job.id])
            raise
        self._carry_out(commands)

    def cancel(self, job_id: str) -> None:
        """Nobody wants this job any more."""
        self._carry_out(self.queue.cancel(job_id, self._clock.ms()))

    def restore(self, jobs: Iterable[Job]) -> None:
        """Take over what an earlier process has written down."""
        self.queue.restore(jobs)
        self._carry_out([])

    # Workers

    def opened(self, connection: Connection) -> None:
        """A worker has connected."""
        self._connections[connection.number] = connection
        connection.worker = self.queue.connected(connection.number)

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
            entry.note("reason", connection.dropped)
        del self._connections[connection.number]
        self._carry_out(self.queue.disconnected(connection.number, self._clock.ms()))
        self._journal.complete(entry)

    def hear(self, connection: Connection, text: str) -> None:
        """A text frame has come."""
        value = decode(text)
        message = message_of(value)
        entry = self._frames.open(connection, _CLIENT, message)
        if isinstance(message, Malformed):
            commands = self.queue.malformed(connection.number, message)
        else:
            commands = self._judged(connection.number, message, value, entry)
        self._carry_out(commands, entry)
        self._journal.complete(entry)

    def hear_binary(self, connection: Connection) -> None:
        """A binary frame has come: the protocol has none."""
        malformed = Malformed(what="binary", why="A binary frame is no message: send JSON in text frames")
        entry = self._frames.open(connection, _CLIENT, malformed)
        self._carry_out(self.queue.malformed(connection.number, malformed), entry)
        self._journal.complete(entry)

    def tick(self) -> None:
        """Time has passed."""
        self._carry_out(self.queue.tick(self._clock.ms()))

    async def close(self, code: int, reason: str) -> None:
        """Close every worker's connection, and tell every caller that there is nothing to wait for. What is written
        down stays as it is: the next process goes on from there."""
        self._store = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.watch.close()
        for job_id, caller in self._callers.items():
            if not caller.done():
                caller.set_result(Fail(job_id=job_id, failure=Failure.UNAVAILABLE, detail=reason))
        async with asyncio.TaskGroup() as closing:
            for connection in self._connections.values():
                closing.create_task(connection.close(code, reason))

    # Inside

    def _uploaded(self, job_id: str, fence: int, result: bytes) -> bool:
        wanted = self.queue.uploaded(job_id, fence, result)
        self._carry_out([])
        return wanted

    def _judged(self, number: int, message: WorkerMessage, value: Any, entry: Entry) -> list[Command]:
        """Check a message's contract, then give it to the queue as far as the policy lets it."""
        why = self._frames.judge(entry, _CLIENT, value)
        job = self.queue.jobs.get(message.job_id) if isinstance(message, JobResultRef) else None
        if job is not None and job.uploaded is not None:
            # The result went another way: it is held against the contract of the message that it stands for.
            stands_for = self._frames.judge(entry, _CLIENT, _inline(job.id, job.uploaded, job.fence))
            why = why or stands_for
        if why is not None and self._settings.policy is Policy.REJECT:
            if not isinstance(message, JobResult | JobError | JobResultRef):
                return [Send(connection=number, message=Error(message=why))]
            message = JobError(job_id=message.job_id, error=why, fence_token=message.fence_token)
        elif isinstance(message, JobResult | JobResultRef) and self._is_unread(message.job_id):
            note(entry, order.not_fetched(message.job_id), self._parts.show)
            why = "The worker answered without having fetched payload_url"
            message = JobError(job_id=message.job_id, error=why, fence_token=message.fence_token)
        return self.queue.message(number, message, self._clock.ms())

    def _is_unread(self, job_id: str) -> bool:
        """Whether nobody can know the payload of this job. Whoever was given it before, over a connection that was
        lost or by a gateway that was killed, may have fetched it then."""
        if not self.offload.is_unread(job_id):
            return False
        job = self.queue.jobs.get(job_id)
        return job is not None and job.dispatches == 1

    def _carry_out(self, commands: Sequence[Command], entry: Entry | None = None) -> None:
        try:
            self._write()
        except WriteError as error:
            trouble = self._journal.open("event", session=self.session)
            trouble.details = {"event": "job-store-failed", "reason": str(error)}
            self._journal.complete(trouble)
        for command in commands:
            if isinstance(command, Send):
                self._send(command)
            elif isinstance(command, Violated):
                if entry is not None:
                    note(entry, command.violation, self._parts.show)
            else:
                caller = self._callers.get(command.job_id)
                if caller is not None and not caller.done():
                    caller.set_result(command)
        if self._timer is None:
            self._arm()

    def _write(self) -> None:
        """Write down what has changed, then tell those who watch. What cannot be written is kept for the next time."""
        changes = self.queue.changes()
        if changes is NOTHING and self._unwritten is NOTHING:
            return
        changes = self._unwritten + changes
        if self._store is not None:
            self._unwritten = changes
            self._store.write(self.session, changes)
            self._unwritten = NOTHING
        self.watch.changed(changes.jobs)
        for job in changes.jobs:
            if job.has_ended:
                self.offload.forget(job.id)

    def _send(self, command: Send) -> None:
        connection = self._connections.get(command.connection)
        if connection is None:
            return
        message = command.message
        inline = frame = encode(message)
        if isinstance(message, JobMessage) and self._settings.offloading is _OFFLOADS:
            large = len(frame) > self._settings.max_frame_bytes
            if large or message.mode is _PERSISTED:
                message = self.offload.offer(message, connection.base, len(frame))
                frame = encode(message)
        entry = self._frames.open(connection, _SERVER, message)
        why = None
        if self._frames.judges:
            why = self._frames.judge(entry, _SERVER, value_of(message, frame))
            if isinstance(message, JobMessage) and message.payload_url is not None:
                # What went another way is held against the contract beside the message that says where it is.
                elsewhere = self._frames.judge(entry, _SERVER, orjson.loads(inline))
                why = why or elsewhere
        if why is not None and isinstance(message, JobMessage) and self._settings.policy is Policy.REJECT:
            entry.note("sent", False)
            self._journal.complete(entry)
            self._carry_out(self.queue.refuse(message.job_id, why, self._clock.ms()))
            return
        connection.push(frame)
        self._journal.complete(entry)

    def _arm(self) -> None:
        deadline = self.queue.next_deadline()
        if deadline is not None:
            wait = max(0.0, (deadline - self._clock.ms()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(wait, self._due)

    def _due(self) -> None:
        self._timer = None
        self.tick()


def _job_of(command: Command) -> str | None:
    return getattr(command.message, "job_id", None) if isinstance(command, Send) else command.job_id


def _inline(job_id: str, result: bytes, fence: int) -> dict[str, Any]:
    """The job_result that an uploaded result stands for."""
    return {"type": JobResult.type, "job_id": job_id, "result": orjson.loads(result), "fence_token": fence}
