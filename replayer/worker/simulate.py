"""A small worker for newcomers: connects to a queue, works, and connects again whenever the connection is lost.

No close code is final. Knows nothing of signals and command lines: whoever runs it calls `stop`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from random import Random

import aiohttp

from replayer.clock import Clock
from replayer.errors import UsageError
from replayer.worker.backoff import Backoff
from replayer.worker.conduct import Conduct
from replayer.worker.link import Link
from replayer.worker.options import Options, Reconnect
from replayer.worker.work import Work

__all__ = ["SimulatedWorker"]

_TIMEOUT = aiohttp.ClientTimeout(total=10)
"""Of connecting and the handshake; an open WebSocket has none."""


class SimulatedWorker:
    """The worker. `report` gets one line for each connection and each job."""

    def __init__(
        self,
        options: Options,
        *,
        clock: Clock,
        random: Random,
        report: Callable[[str], None],
        backoff: Backoff | None = None,
        conduct: Conduct | None = None,
    ) -> None:
        self._options = options
        self._clock = clock
        self._random = random
        self._report = report
        self._backoff = backoff or Backoff(random)
        self._conduct = conduct or Conduct()
        self._stop = asyncio.Event()
        self._connections = 0

    def stop(self) -> None:
        """Drain, close, and let `run` end."""
        self._stop.set()

    async def run(self) -> int:
        """Work until `stop`; the status that its program ends with.

        Raises UsageError where a connection failed or was lost and none is to follow.
        """
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http, asyncio.TaskGroup() as group:
            work = Work(
                self._options,
                self._conduct,
                http=http,
                group=group,
                clock=self._clock,
                random=self._random,
                report=self._report,
            )
            try:
                trouble = await self._serve(http, work)
            finally:
                work.drop()
        if trouble is not None:
            raise UsageError(trouble)
        return self._conduct.exit_status if self._stop.is_set() else 1

    async def _serve(self, http: aiohttp.ClientSession, work: Work) -> str | None:
        """Connect again and again; why it cannot go on, or None where it need not."""
        while True:
            trouble = await self._connect(http, work)
            if self._stop.is_set() or trouble is None:
                return None
            if self._options.reconnect is Reconnect.NEVER:
                return trouble
            wait = self._backoff.wait()
            self._report(f"{trouble}; trying again in {wait:.1f} s")
            await self._rest(wait)
            if self._stop.is_set():
                return None

    async def _connect(self, http: aiohttp.ClientSession, work: Work) -> str | None:
        """One connection to its end; why it ended, for the user, or None where no other is to follow."""
        options, conduct = self._options, self._conduct
        url = conduct.socket_url(options.url)
        try:
            socket = await http.ws_connect(
                url,
                headers=self._headers(),
                compress=15 if conduct.compresses else 0,
                heartbeat=30,
                autoping=conduct.answers_pings,
                max_msg_size=conduct.max_message_bytes,
            )
        except aiohttp.WSServerHandshakeError as error:
            return f"{url} answered {error.status} where a WebSocket should open: is the base URL right?"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"cannot connect to {url}: {error or type(error).__name__}"
        async with socket:
            who = f"{options.worker_id} (config {options.config_id}, capacity {options.capacity})"
            self._report(f"connected to {url} as {who}")
            self._backoff.reset()
            self._connections += 1
            link = Link(socket, options, conduct, work, report=self._report)
            died = await link.serve(self._connections, self._stop)
        if died:
            self._report(f"ended: {died}")
            return None
        if not conduct.returns(socket.close_code):
            return None
        return f"the connection to {url} was lost (close code {socket.close_code})"

    def _headers(self) -> dict[str, str]:
        token = self._options.token if self._conduct.sends_token else None
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
