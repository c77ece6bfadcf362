"""The jobs of a simulated worker, from their arrival to their answer: they outlive the connection that brought them.

An answer that is ready while no connection is open waits for the next one. A large payload is fetched from
`payload_url`, a large result put at `result_upload_url`; where either fails, the message itself carries it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import aiohttp
import orjson

from replayer.clock import Clock
from replayer.dispatch.messages import Answer, Job, JobError, JobResult, JobResultRef, Mode
from replayer.worker.conduct import Conduct
from replayer.worker.options import Options
from replayer.worker.results import Context, result

__all__ = ["Work"]

_FETCH = aiohttp.ClientTimeout(total=30)
_UPLOAD = aiohttp.ClientTimeout(total=60)

Outlet = Callable[[bytes], None]


class SimulatedError(Exception):
    """The error that `--error-rate` asks for."""


class _Dropped(Exception):
    """A misbehaving worker forgets the job."""


class Work:
    """What a worker has taken. `attach` says where answers go; None keeps them until there is a connection again."""

    def __init__(
        self,
        options: Options,
        conduct: Conduct,
        *,
        http: aiohttp.ClientSession,
        group: asyncio.TaskGroup,
        clock: Clock,
        random: Random,
        report: Callable[[str], None],
    ) -> None:
        self._options = options
        self._conduct = conduct
        self._http = http
        self._group = group
        self._clock = clock
        self._random = random
        self._report = report
        self._running: set[asyncio.Task[None]] = set()
        self._fences: dict[str, int] = {}
        self._outlet: Outlet | None = None
        self._unsaid: list[bytes] = []

    @property
    def running(self) -> int:
        """Jobs that are not answered yet."""
        return len(self._running)

    @property
    def tracked(self) -> tuple[tuple[str, int], ...]:
        """The persisted jobs whose leases are to be renewed, with their fences."""
        return tuple(self._fences.items())

    def attach(self, outlet: Outlet | None) -> None:
        """A connection is open, and what waited for it is said; or none is."""
        self._outlet = outlet
        if outlet is not None:
            for frame in self._unsaid:
                outlet(frame)
            self._unsaid.clear()

    def keep(self, frame: bytes) -> None:
        """A frame that could not be said any more: it waits for the next connection."""
        if self._conduct.keeps_running:
            self._unsaid.append(frame)

    def take(self, job: Job) -> None:
        """Begin a job; each runs beside the others."""
        if job.mode is Mode.PERSISTED:
            self._fences[job.job_id] = job.fence_token
        task = self._group.create_task(self._work(job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def revoke(self, job_id: str) -> None:
        """Track a job no longer: it is finished all the same, and answered with fence 0."""
        self._fences.pop(job_id, None)

    def drop(self) -> None:
        """Forget everything that runs."""
        for task in self._running:
            task.cancel()
        self._fences.clear()
        self._unsaid.clear()

    async def done(self, seconds: float) -> None:
        """Wait for what is running, at most so long."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def _work(self, job: Job) -> None:
        started = self._clock.ms()
        task = ""
        reply: Answer
        try:
            if self._options.delay > 0:
                await asyncio.sleep(self._options.delay)
            if self._random.random() < self._options.error_rate:
                raise SimulatedError(f"Simulated error (error rate: {self._options.error_rate})")
            payload = orjson.loads(await self._payload(job))
            if not isinstance(payload, dict):
                raise TypeError(f"the payload is no object but {job.payload[:40].decode(errors='replace')}")
            task = str(payload.get("task", ""))
            output = result(payload, self._context(job))
            uploaded = await self._upload(job, orjson.dumps(output))
            reply = JobResultRef(job_id=job.job_id) if uploaded else JobResult(job_id=job.job_id, result=output)
        except _Dropped:
            return
        except Exception as error:  # a worker lives on: whatever went wrong is the job's error, in its own words
            reply = JobError(job_id=job.job_id, error=str(error))
        self._answer(job, reply)
        how = f"failed: {reply.error}" if isinstance(reply, JobError) else "done"
        self._report(f"job {job.job_id} {task or 'without a task'} {how} ({self._clock.ms() - started:.0f} ms)")

    def _answer(self, job: Job, reply: Answer) -> None:
        fence = self._fences.pop(job.job_id, 0)
        if isinstance(reply, JobError):
            reply = JobError(job_id=reply.job_id, error=reply.error, fence_token=fence)
        elif isinstance(reply, JobResult):
            reply = JobResult(job_id=reply.job_id, result=reply.result, fence_token=fence)
        else:
            reply = JobResultRef(job_id=reply.job_id, fence_token=fence)
        for frame in self._conduct.answers(job, reply):
            if self._outlet is None:
                self._unsaid.append(frame)
            else:
                self._outlet(frame)

    async def _payload(self, job: Job) -> bytes:
        if job.payload_url is None or not self._conduct.fetches_payload:
            return job.payload
        try:
            async with self._http.get(job.payload_url, timeout=_FETCH, raise_for_status=True) as answer:
                return await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            if not self._conduct.inline_payload:
                raise _Dropped from error
            self._report(f"job {job.job_id}: payload_url failed ({error}), using the payload of the message")
            return job.payload

    async def _upload(self, job: Job, output: bytes) -> bool:
        """Put a large result of a persisted job where the queue offers it; False: the message has to carry it."""
        url = job.result_upload_url
        if url is None or job.mode is not Mode.PERSISTED or len(output) <= self._conduct.upload_from:
            return False
        if not self._conduct.uploads:
            return True
        headers = {"content-type": "application/json"}
        try:
            async with self._http.put(url, data=output, headers=headers, timeout=_UPLOAD, raise_for_status=True):
                return True
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            self._report(f"job {job.job_id}: result_upload_url failed ({error}), answering inline")
            return False

    def _context(self, job: Job) -> Context:
        return Context(
            job_id=job.job_id,
            config_id=self._options.config_id,
            execution_time=self._options.delay,
            processed_at=self._clock.now().astimezone().replace(tzinfo=None).isoformat(),
        )
