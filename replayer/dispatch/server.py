"""The dispatch server: the queue's REST surface, and the WebSocket that workers connect to.

The gateway asks `serves` and `serves_socket`, and hands over what is ours. Each session has a queue of its own, made
when it is first asked for. A client's mistake is an answer, never an exception. Knows these routes alone, and no fault.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import WSMsgType, web

from replayer.cassette.model import Request, Response
from replayer.clock import Clock
from replayer.contract.violation import Severity, Violation
from replayer.dispatch import rest
from replayer.dispatch.commands import Fail
from replayer.dispatch.connection import Connection
from replayer.dispatch.desk import Desk, FrameCheck, note
from replayer.dispatch.ids import uuid7
from replayer.dispatch.job import Job
from replayer.dispatch.messages import Mode
from replayer.dispatch.settings import Settings
from replayer.dispatch.status import DispatchStatus, WorkerStatus
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.catalogue import task_named
from replayer.dispatch.tasks.task import Task
from replayer.journal import Journal

__all__ = ["DispatchServer", "FrameCheck"]

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
        check: FrameCheck | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._settings = settings
        self._tasks: dict[str, Task] = {path: task_named(name) for path, name in tasks.items()}
        self._clock = clock
        self._journal = journal
        self._check = check
        self._random = random
        self._desks: dict[str, Desk] = {}
        self._numbers = itertools.count(1)
        self._stopping = False

    def serves(self, method: str, path: str) -> bool:
        """Whether a request to this path is answered here; one with a wrong method is too, with 405."""
        path = _normal(path)
        return path in self._tasks or path in _OWN or path.startswith("/jobs/")

    def serves_socket(self, path: str) -> bool:
        """Whether workers connect at this path."""
        return _normal(path) == _normal(self._settings.path)

    async def start(self) -> None:
        """Take workers, also again after a stop."""
        self._stopping = False

    async def stop(self) -> None:
        """Close every worker with 1012, which makes it reconnect, within a second; answer whoever waits with 503."""
        self._stopping = True
        async with asyncio.TaskGroup() as closing:
            for desk in self._desks.values():
                closing.create_task(desk.close(1012, "The gateway is stopping"))

    async def end_session(self, session: str) -> None:
        """Forget a session: its workers are closed with 1001, its callers answered with 503, its jobs are gone."""
        desk = self._desks.pop(session, None)
        if desk is not None:
            await desk.close(1001, "The session has ended")

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
            waiting=sum(queue.waiting for _, queue in queues),
            running=sum(queue.running for _, queue in queues),
            completed=sum(queue.completed for _, queue in queues),
            failed=sum(queue.failed for _, queue in queues),
        )

    # REST

    async def answer(self, request: Request, *, session: str) -> Response:
        """The whole answer to a request that `serves` has claimed."""
        path = _normal(urlsplit(request.uri).path)
        task = self._tasks.get(path)
        wanted = "POST" if task is not None else _OWN.get(path, "GET")
        if task is None and path not in _OWN and not path.startswith("/jobs/"):
            return reply.detail(404, "Not Found")
        if request.method != wanted:
            refused = reply.detail(405, "Method Not Allowed")
            return Response(status=405, headers=(*refused.headers, ("allow", wanted)), body=refused.body)
        desk = self._desk(session)
        if task is not None:
            return await self._dispatch(task, request, desk)
        if path == "/jobs":
            return self._keep(request, desk)
        if path == "/v1/models":
            return rest.models(desk.queue.serving())
        if path == "/health":
            return rest.health(desk.queue.serving(), desk.queue.waiting)
        job = desk.queue.jobs.get(path.removeprefix("/jobs/"))
        if job is None or job.mode is not Mode.PERSISTED:
            return reply.detail(404, "Job not found")
        return rest.job_body(job)

    async def _dispatch(self, task: Task, request: Request, desk: Desk) -> Response:
        ask = task.ask(request)
        if isinstance(ask, Response):
            return ask
        if ask.wants_stream:
            self._note_stream(request, desk)
        job = self._job(Mode.TRANSIENT, ask.payload)
        if isinstance(job, Response):
            return job
        end = await desk.run(job)
        if isinstance(end, Fail):
            return reply.detail(end.failure, end.detail)
        return task.answer(ask.payload, end.result, self._clock.now().timestamp())

    def _keep(self, request: Request, desk: Desk) -> Response:
        payload = rest.read_job(request)
        if isinstance(payload, Response):
            return payload
        job = self._job(Mode.PERSISTED, payload)
        if isinstance(job, Response):
            return job
        desk.keep(job)
        return rest.job_body(job)

    def _job(self, mode: Mode, payload: Any) -> Job | Response:
        """A new job, or the answer that says why no worker could take it."""
        try:
            encoded = orjson.dumps(payload)
        except TypeError:
            return reply.detail(400, "The request nests too deeply: a job's payload has at most 254 levels")
        limit = self._settings.max_frame_bytes - _ENVELOPE
        if len(encoded) > limit:
            size = f"a job's payload of {len(encoded)} bytes"
            return reply.detail(413, f"The request is too large: {size} is over the {limit} that a worker takes")
        now = self._clock.now().timestamp()
        return Job(id=uuid7(int(now * 1000), self._random(10)), mode=mode, payload=encoded, created_at=now)

    def _note_stream(self, request: Request, desk: Desk) -> None:
        path = urlsplit(request.uri).path
        entry = self._journal.open("event", session=desk.session, method=request.method, target=path)
        entry.details = {"event": "stream-answered-whole"}
        note(entry, _STREAM)
        self._journal.complete(entry)

    # WebSocket

    async def connect(self, request: web.BaseRequest, *, session: str) -> web.WebSocketResponse:
        """Take a worker's WebSocket from its handshake to its end."""
        if self._stopping:
            raise web.HTTPServiceUnavailable(text="The gateway is stopping")
        socket = web.WebSocketResponse(timeout=1.0, heartbeat=20.0, compress=True, max_msg_size=MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        desk = self._desk(session)
        connection = Connection(next(self._numbers), socket, request.transport)
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
            desk = Desk(session, self._settings, clock=self._clock, journal=self._journal, check=self._check)
            self._desks[session] = desk
        return desk


_OWN = {"/jobs": "POST", "/v1/models": "GET", "/health": "GET"}
"""The queue's own paths with their method; `/jobs/{id}` beside them."""


async def _listen(connection: Connection, desk: Desk) -> None:
    async for message in connection.socket:
        if message.type is WSMsgType.TEXT:
            desk.hear(connection, message.data)
        elif message.type is WSMsgType.BINARY:
            desk.hear_binary(connection)


def _normal(path: str) -> str:
    """Repeated slashes are one: workers whose base URL ends with a slash ask for `//ws`."""
    return re.sub("//+", "/", path) if "//" in path else path
