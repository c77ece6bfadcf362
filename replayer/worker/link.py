"""One connection of the simulated worker, from `register` to its end.

It speaks as the public SDK does: nothing acknowledges `register`; transient replies carry fence 0, persisted ones the
fence of their job; running persisted jobs renew their leases every 30 s; a revoked job is finished all the same, with
fence 0; while it drains, a new job is dropped. It does not keep to its capacity: that is the queue's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import aiohttp
import orjson

from replayer.clock import Clock
from replayer.dispatch.messages import (
    Drain,
    Error,
    Job,
    JobError,
    JobProgress,
    JobResult,
    JobRevoked,
    Malformed,
    Mode,
    Register,
    WorkerMessage,
)
from replayer.dispatch.wire import encode, parse_server
from replayer.worker.options import Options
from replayer.worker.results import Context, result

__all__ = ["Link"]

_RENEW_EVERY = 30.0
"""Seconds between the renewals of leases."""


class SimulatedError(Exception):
    """The error that `--error-rate` asks for."""


class Link:
    """One open connection. `report` gets a line for each thing that happens."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        options: Options,
        *,
        clock: Clock,
        random: Random,
        report: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._options = options
        self._clock = clock
        self._random = random
        self._report = report
        self._fences: dict[str, int] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._draining = False

    async def serve(self, stop: asyncio.Event) -> None:
        """Register and work until the connection ends; once `stop` is set, drain and close it with 1000."""
        options = self._options
        await self._say(Register(worker_id=options.worker_id, config_id=options.config_id, capacity=options.capacity))
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._renew()), group.create_task(self._drain(stop))]
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data, group)
            for task in (*beside, *self._working):
                task.cancel()

    def _hear(self, text: str, group: asyncio.TaskGroup) -> None:
        message = parse_server(text)
        if isinstance(message, Job):
            if self._draining:
                return
            if message.mode is Mode.PERSISTED:
                self._fences[message.job_id] = message.fence_token
            work = group.create_task(self._work(message))
            self._working.add(work)
            work.add_done_callback(self._working.discard)
        elif isinstance(message, JobRevoked):
            self._fences.pop(message.job_id, None)
            self._report(f"job {message.job_id} revoked: {message.reason}")
        elif isinstance(message, Error):
            self._report(f"the queue says: {message.message}")
        elif isinstance(message, Malformed):
            self._report(f"the queue sent no message of the protocol: {message.why}")

    async def _work(self, job: Job) -> None:
        started = self._clock.ms()
        task = ""
        try:
            if self._options.delay > 0:
                await asyncio.sleep(self._options.delay)
            if self._random.random() < self._options.error_rate:
                raise SimulatedError(f"Simulated error (error rate: {self._options.error_rate})")
            payload = orjson.loads(job.payload)
            if not isinstance(payload, dict):
                raise TypeError(f"the payload is no object but {job.payload[:40].decode(errors='replace')}")
            task = str(payload.get("task", ""))
            reply: WorkerMessage = JobResult(job_id=job.job_id, result=result(payload, self._context(job)))
            encode(reply)
        except Exception as error:  # a worker lives on: whatever went wrong is the job's error, in its own words
            reply = JobError(job_id=job.job_id, error=str(error))
        await self._finish(job, reply, task, started)

    async def _finish(self, job: Job, reply: WorkerMessage, task: str, started: float) -> None:
        fence = self._fences.pop(job.job_id, 0)
        how = "done"
        if isinstance(reply, JobError):
            how = f"failed: {reply.error}"
            reply = JobError(job_id=reply.job_id, error=reply.error, fence_token=fence)
        elif isinstance(reply, JobResult):
            reply = JobResult(job_id=reply.job_id, result=reply.result, fence_token=fence)
        await self._say(reply)
        self._report(f"job {job.job_id} {task or 'without a task'} {how} ({self._clock.ms() - started:.0f} ms)")

    def _context(self, job: Job) -> Context:
        return Context(
            job_id=job.job_id,
            config_id=self._options.config_id,
            execution_time=self._options.delay,
            processed_at=self._clock.now().astimezone().replace(tzinfo=None).isoformat(),
        )

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_EVERY)
            for job_id, fence in tuple(self._fences.items()):
                await self._say(JobProgress(job_id=job_id, fence_token=fence, status_message="processing"))

    async def _drain(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._draining = True
        self._report(f"draining: {len(self._working)} jobs are still running")
        await self._say(Drain())
        if self._working:
            await asyncio.wait(self._working, timeout=self._options.grace)
        await self._socket.close(code=1000)

    async def _say(self, message: WorkerMessage) -> None:
        try:
            await self._socket.send_frame(encode(message), aiohttp.WSMsgType.TEXT)
        except ConnectionError:
            return  # the reader notices by itself
