"""One connection of the simulated worker, from `register` to its end.

It speaks as the public SDK does: nothing acknowledges `register`; transient replies carry fence 0, persisted ones the
fence of their job; running persisted jobs renew their leases every 30 s; a revoked job is finished all the same, with
fence 0; while it drains, a new job is dropped. It does not keep to its capacity: that is the queue's affair. Beyond the
SDK, it does a job that comes twice once. Jobs themselves live in `work`, and outlive the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import OrderedDict
from collections.abc import Callable

import aiohttp

from replayer.dispatch.messages import Drain, Error, Job, JobRevoked, Malformed, Register
from replayer.dispatch.wire import encode, parse_server
from replayer.worker.conduct import Conduct, Hearing
from replayer.worker.options import Options
from replayer.worker.work import Work

__all__ = ["Link"]

_REMEMBERED = 10_000
"""Jobs of a connection that are known again when they come once more."""


class Link:
    """One open connection. `report` gets a line for each thing that happens."""

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse,
        options: Options,
        conduct: Conduct,
        work: Work,
        *,
        report: Callable[[str], None],
    ) -> None:
        self._socket = websocket
        self._options = options
        self._conduct = conduct
        self._work = work
        self._report = report
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._draining = False
        self._heard: OrderedDict[tuple[str, int], None] = OrderedDict()

    async def serve(self, number: int, stop: asyncio.Event) -> str | None:
        """Register and work until the connection ends; once `stop` is set, drain and close it.

        None, or why the worker itself ends here, as a misbehaving one may.
        """
        options = self._options
        register = Register(worker_id=options.worker_id, config_id=options.config_id, capacity=options.capacity)
        for frame in self._conduct.greets(register, number):
            self._out.put_nowait(frame)
        self._work.attach(self._out.put_nowait)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(part) for part in (self._write(), self._renew(), self._leave(stop))]
            try:
                died = await self._read()
            finally:
                self._work.attach(None)
                for task in beside:
                    task.cancel()
        if not self._conduct.keeps_running:
            self._work.drop()
        return died

    async def _read(self) -> str | None:
        while True:
            try:
                message = await self._socket.receive(self._conduct.patience)
            except TimeoutError:
                await self._abort()
                return None
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                hearing = self._conduct.hears(message.data, draining=self._draining)
                if hearing is Hearing.DIE:
                    return "the queue said something that this worker does not survive"
                if hearing is Hearing.HANG_UP:
                    await self._socket.close(code=1002)
                    return None
                if hearing is Hearing.TAKE and message.type is aiohttp.WSMsgType.TEXT and self._hear(message.data):
                    return "it was given a job that this worker does not survive"
            elif message.type not in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                return None

    def _hear(self, text: str) -> bool:
        """Take a message in; True where the worker does not survive it."""
        message = parse_server(text)
        if isinstance(message, Job):
            hearing = self._conduct.takes(message, self._work.running)
            if hearing is Hearing.DIE:
                return True
            if hearing is Hearing.TAKE and not self._draining and self._is_new(message):
                self._work.take(message)
        elif isinstance(message, JobRevoked):
            self._work.revoke(message.job_id)
            self._report(f"job {message.job_id} revoked: {message.reason}")
        elif isinstance(message, Error):
            self._report(f"the queue says: {message.message}")
        elif isinstance(message, Malformed):
            self._report(f"the queue sent no message of the protocol: {message.why}")
        return False

    def _is_new(self, job: Job) -> bool:
        """Whether this job did not come before on this connection, with the same fence."""
        if self._conduct.repeats:
            return True
        key = (job.job_id, job.fence_token)
        if key in self._heard:
            return False
        self._heard[key] = None
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        return True

    async def _write(self) -> None:
        kind = aiohttp.WSMsgType.BINARY if self._conduct.sends_binary else aiohttp.WSMsgType.TEXT
        while True:
            frame = await self._out.get()
            try:
                await self._socket.send_frame(frame, kind)
            except ConnectionError:
                self._work.keep(frame)  # the reader notices by itself that the peer is gone
            self._out.task_done()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._options.renew_every)
            for message in self._conduct.progress(self._work.tracked):
                self._out.put_nowait(encode(message))

    async def _leave(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._draining = True
        self._report(f"draining: {self._work.running} jobs are still running")
        if self._conduct.drains:
            self._out.put_nowait(encode(Drain()))
        if self._conduct.after_drain is not None:
            self._out.put_nowait(self._conduct.after_drain)
        if self._conduct.finishes:
            await self._work.done(self._options.grace)
        await self._out.join()
        if self._conduct.close_code is None:
            await self._abort()
        else:
            await self._socket.close(code=self._conduct.close_code)

    async def _abort(self) -> None:
        """End the connection without a closing handshake."""
        wire: socket.socket | None = self._socket.get_extra_info("socket")
        if wire is not None:
            with contextlib.suppress(OSError):  # the peer was quicker
                wire.shutdown(socket.SHUT_RDWR)
