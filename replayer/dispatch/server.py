"""The dispatch server: the queue's REST surface, and the WebSocket that workers connect to.

The gateway asks `serves` and `serves_socket`, and hands over what is ours. Each session has a queue of its own, made
when it is first asked for. A client's mistake is an answer, never an exception. Knows these routes alone, and no fault.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from aiohttp import WSMsgType, web

from replayer.cassette.model import Request, Response
from replayer.clock import Clock
from replayer.contract.message import Spoken
from replayer.contract.violation import Severity, Violation
from replayer.dispatch import offload, rest
from replayer.dispatch.commands import Fail, Failure
from replayer.dispatch.connection import Connection
from replayer.dispatch.desk import Desk, Desks
from replayer.dispatch.frames import FrameCheck
from replayer.dispatch.ids import Ids
from replayer.dispatch.job import Job
from replayer.dispatch.messages import JobError, Mode
from replayer.dispatch.routes import EVENTS, JobRoutes
from replayer.dispatch.settings import Offloading, Settings, WhenNoWorker, Workers
from replayer.dispatch.standin import RecordedWorkers
from replayer.dispatch.status import DispatchStatus, JobStatus, WorkerStatus
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.catalogue import task_named
from replayer.dispatch.tasks.task import Ask, Task
from replayer.journal import Entry, Journal, Outcome

if TYPE_CHECKING:  # sqlite3 is imported by whoever opens a store
    from replayer.dispatch.store import JobStore

__all__ = ["DispatchServer", "FrameCheck"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every job.
_TEXT, _DISPATCHED, _TRANSIENT = WSMsgType.TEXT, Outcome.DISPATCHED, Mode.TRANSIENT
_MANY, _OFFLOADS = Workers.MANY, Offloading.ON

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest frame that a worker may send; above it the connection is closed with 1009."""
_ENVELOPE = 1024
"""Bytes allowed for a job's frame around its payload."""
_STREAM = Violation(
    where="request",
    pointer="/stream",
    expected="no stream: a dispatched request is answered whole",
    actual="true",
    schema="casola:no-streaming",
    severity=Severity.INFO,
)


class DispatchServer:
    """The queue that our gateway plays. `tasks`: path to task, for the dispatched routes."""

    service = "casola"
    """Whose contract holds: the worker protocol's, and that of the REST surface in front of it."""

    def __init__(
        self,
        settings: Settings,
        tasks: Mapping[str, str],
        *,
        clock: Clock,
        journal: Journal,
        show: Callable[[str], str],
        check: FrameCheck | None = None,
        store: JobStore | None = None,
        recorded: RecordedWorkers | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`show` takes the secrets out of what is told of a worker's message; `store` keeps the persisted jobs, and is
        closed by `stop`; `recorded` answers where no worker does and the settings say so."""
        self._settings = settings
        self._tasks: dict[str, Task] = {path: task_named(name) for path, name in tasks.items()}
        self._clock = clock
        self._store = store
        self._recorded = recorded
        self._ids = Ids(random)
        self._parts = Desks(
            settings=settings, clock=clock, journal=journal, random=random, show=show, check=check, store=store
        )
        self._routes = JobRoutes(self._job)
        self._desks: dict[str, Desk] = {}
        self._socket = _normal(settings.path)
        self._connections = 0
        self._stopping = False

    def serves(self, method: str, path: str) -> bool:
        """Whether a request to this path is answered here; one with a wrong method is too, with 405."""
        path = _normal(path)
        return path in self._tasks or path in _OWN or path.startswith(_BELOW)

    def serves_socket(self, path: str) -> bool:
        """Whether workers connect at this path, or below a base path of their own."""
        return _normal(path).endswith(self._socket)

    async def start(self) -> None:
        """Take workers, also again after a stop; go on with the jobs of the store."""
        self._stopping = False
        if self._store is not None:
            for session, jobs in self._store.load().items():
                self._desk(session).restore(jobs)

    async def stop(self) -> None:
        """Close every worker with 1012, which makes it reconnect, within a second; answer whoever waits with 503."""
        self._stopping = True
        async with asyncio.TaskGroup() as closing:
            for desk in self._desks.values():
                closing.create_task(desk.close(1012, "The gateway is stopping"))
        if self._store is not None:
            self._store.close()
            self._store = None

    async def end_session(self, session: str) -> None:
        """Forget a session: its workers are closed with 1001, its callers answered with 503, its jobs are gone."""
        desk = self._desks.pop(session, None)
        if desk is not None:
            await desk.close(1001, "The session has ended")
            if self._store is not None:
                self._store.forget_session(session)

    def tick(self) -> None:
        """Let every queue look at the time; timers do the same by themselves."""
        for desk in self._desks.values():
            desk.tick()

    def jobs(self) -> Iterator[JobStatus]:
        """The jobs of all sessions: persisted ones, and transient ones that have not ended; each session's in the
        order of submission. What workers told is without its secrets, as in the journal."""
        show = self._parts.show
        for session, desk in self._desks.items():
            for job in desk.queue.jobs.values():
                yield JobStatus(
                    session=session,
                    id=job.id,
                    mode=job.mode,
                    status=job.status,
                    config_id=job.config_id,
                    created_at=job.created_at,
                    worker_id=job.worker_id,
                    attempts=job.attempts,
                    fence=job.fence,
                    progress=job.progress,
                    status_message=None if job.status_message is None else show(job.status_message),
                    error=None if job.error is None else show(job.error),
                )

    def status(self) -> DispatchStatus:
        """Workers and counts over all sessions."""
        queues = [(desk.session, desk.queue) for desk in self._desks.values()]
        return DispatchStatus(
            workers=tuple(
                WorkerStatus(
                    session=session,
                    connection=worker.connection,
                    worker_id=worker.worker_id,
                    config_id=worker.config_id,
                    state=worker.state,
                    capacity=worker.capacity,
                    running=tuple(worker.running),
                )
                for session, queue in queues
                for worker in queue.workers.values()
            ),
            connections=self._connections,
            waiting=sum(queue.waiting for _, queue in queues),
            running=sum(queue.running for _, queue in queues),
            completed=sum(queue.completed for _, queue in queues),
            failed=sum(queue.failed for _, queue in queues),
        )

    # REST

    def answer(
        self, request: Request, *, session: str, entry: Entry | None = None, spoken: Spoken | None = None
    ) -> Awaitable[Response]:
        """The whole answer to a request that `serves` has claimed; `entry` learns where it came from, `spoken` has and
        gets the JSON of the bodies.
        """
        path = _path(request)
        desk = self._desk(session)
        task = self._tasks.get(path)
        if task is not None:
            return self._dispatch(task, request, desk, entry, Spoken() if spoken is None else spoken)
        return self._own(request, path, desk, entry)

    async def _own(self, request: Request, path: str, desk: Desk, entry: Entry | None) -> Response:
        """What the queue itself is asked."""
        if entry is not None:
            entry.outcome = Outcome.LIVE
        if path.startswith(offload.PREFIX):
            return self._offload(request, path.removeprefix(offload.PREFIX), entry)
        if path == "/jobs" or path.startswith("/jobs/"):
            return await self._routes.answer(request, path, desk)
        if path not in _OWN:
            return reply.detail(404, "Not Found")
        if request.method != "GET":
            return reply.not_allowed("GET")
        if path == "/v1/models":
            return rest.models(desk.queue.serving())
        return rest.health(desk.queue.serving(), desk.queue.waiting)

    def follow(self, request: Request, *, session: str) -> AsyncGenerator[bytes, None] | None:
        """Server-sent events, where the request is for those of a job that there is, or of all jobs."""
        if EVENTS not in request.uri:
            return None  # nearly every request
        return self._routes.follow(request, _path(request), self._desk(session))

    async def _dispatch(
        self, task: Task, request: Request, desk: Desk, entry: Entry | None, spoken: Spoken
    ) -> Response:
        if entry is not None:
            entry.outcome = _DISPATCHED
        if request.method != "POST":
            return reply.not_allowed("POST")
        ask = task.ask(request, spoken.asked)
        if isinstance(ask, Response):
            return ask
        if ask.wants_stream and entry is not None:
            entry.violations += (asdict(_STREAM),)
        job = self._job(_TRANSIENT, ask.payload, self._configuration(ask, desk))
        if isinstance(job, Response):
            return job
        if entry is not None:
            entry.note("job", job.id)
        try:
            end = await desk.submit(job)
        finally:
            desk.left(job)
        if not isinstance(end, Fail):
            return task.answer(ask.payload, end.result, self._clock.now().timestamp(), spoken)
        if end.failure is Failure.UNAVAILABLE and (played := self._play(task, ask, job, desk, entry)):
            return played
        return reply.detail(end.failure, end.detail)

    def _play(self, task: Task, ask: Ask, job: Job, desk: Desk, entry: Entry | None) -> Response | None:
        """The answer that a recorded worker gave to this job, where there is no worker and that is wanted."""
        if self._settings.when_no_worker is not WhenNoWorker.CASSETTE or self._recorded is None or self._stopping:
            return None
        if next(desk.queue.serving(), None) is not None:
            return None
        found = self._recorded.answer(job.payload, desk.played)
        if found is None:
            return reply.detail(503, "No worker available, and no recorded worker was given this job")
        if entry is not None:
            entry.outcome, entry.interaction = Outcome.HIT, found.place
        if isinstance(found.answer, JobError):
            return reply.detail(Failure.WORKER, found.answer.error)
        return task.answer(ask.payload, found.answer.result, self._clock.now().timestamp())

    def _configuration(self, ask: Ask, desk: Desk) -> str | None:
        """Where several workers serve, a request whose model is one of their configurations is for those."""
        model = ask.payload.get("model")
        if self._settings.workers is _MANY and isinstance(model, str) and desk.queue.serves(model):
            return model
        return None

    def _offload(self, request: Request, token: str, entry: Entry | None) -> Response:
        if entry is not None:
            entry.target = f"{offload.PREFIX}…"  # the token is a permission
        for desk in self._desks.values():
            if desk.offload.knows(token):
                return desk.offload.answer(token, request)
        return reply.detail(404, "There is no such upload or payload, or no longer: its job has ended or moved on")

    def _job(self, mode: Mode, payload: Any, config_id: str | None) -> Job | Response:
        """A new job, or the answer that says why there cannot be one."""
        if self._stopping:
            return reply.detail(503, "The gateway is stopping")
        try:
            encoded = orjson.dumps(payload)
        except TypeError:
            return reply.detail(400, "The request nests too deeply: a job's payload has at most 254 levels")
        offloading = self._settings.offloading is _OFFLOADS
        limit = self._settings.max_payload_bytes if offloading else self._settings.max_frame_bytes - _ENVELOPE
        if len(encoded) > limit:
            size = f"a job's payload of {len(encoded)} bytes"
            return reply.detail(413, f"The request is too large: {size} is over the {limit} that a worker takes")
        now = self._clock.now().timestamp()
        job_id = self._ids.next(int(now * 1000))
        # A persisted one would be held twice, for as long as it is kept.
        value = payload if mode is _TRANSIENT else None
        return Job(id=job_id, mode=mode, payload=encoded, value=value, created_at=now, wanted=config_id)

    # WebSocket

    async def connect(self, request: web.BaseRequest, *, session: str) -> web.WebSocketResponse:
        """Take a worker's WebSocket from its handshake to its end."""
        if self._stopping:
            raise web.HTTPServiceUnavailable(text="The gateway is stopping")
        socket = web.WebSocketResponse(
            timeout=1.0, heartbeat=self._settings.ping_s, compress=True, max_msg_size=MAX_MESSAGE_BYTES
        )
        await socket.prepare(request)
        self._connections += 1
        desk = self._desk(session)
        base = f"{request.scheme}://{request.host}"
        connection = Connection(self._connections, socket, transport=request.transport, base=base)
        desk.opened(connection)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(connection.write())
                await _listen(connection, desk)
                writer.cancel()
        finally:
            desk.closed(connection)
        return socket

    def _desk(self, session: str) -> Desk:
        desk = self._desks.get(session)
        if desk is None:
            desk = self._desks[session] = Desk(session, self._parts)
        return desk


_OWN = frozenset({"/jobs", "/v1/models", "/health"})
"""The queue's own paths."""
_BELOW = ("/jobs/", offload.PREFIX)


async def _listen(connection: Connection, desk: Desk) -> None:
    async for message in connection.socket:
        if message.type is _TEXT:
            desk.hear(connection, message.data)
        elif message.type is WSMsgType.BINARY:
            desk.hear_binary(connection)


def _path(request: Request) -> str:
    """The path of a request, whose target may come with its host."""
    target = request.uri
    return _normal(target.partition("?")[0] if target.startswith("/") else urlsplit(target).path)


def _normal(path: str) -> str:
    """Repeated slashes are one: workers whose base URL ends with a slash ask for `//ws`."""
    return re.sub("//+", "/", path) if "//" in path else path
