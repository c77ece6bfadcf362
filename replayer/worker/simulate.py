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
from replayer.worker.link import Link
from replayer.worker.options import Options, Reconnect

__all__ = ["SimulatedWorker"]

MAX_MESSAGE_BYTES = 1_048_576
"""What the public SDK takes; a larger frame closes the connection with 1009."""

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
    ) -> None:
        self._options = options
        self._clock = clock
        self._random = random
        self._report = report
        self._backoff = backoff or Backoff(random)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Drain, close, and let `run` end."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`. Raises UsageError where a connection failed or was lost and none is to follow."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            while not self._stop.is_set():
                trouble = await self._connect(http)
                if self._stop.is_set():
                    return
                if self._options.reconnect is Reconnect.NEVER:
                    raise UsageError(trouble)
                wait = self._backoff.wait()
                self._report(f"{trouble}; trying again in {wait:.1f} s")
                await self._rest(wait)

    async def _connect(self, http: aiohttp.ClientSession) -> str:
        """One connection to its end; why it ended, for the user."""
        url = self._options.socket_url
        headers = {"Authorization": f"Bearer {self._options.token}"} if self._options.token else None
        try:
            socket = await http.ws_connect(
                url, headers=headers, compress=15, heartbeat=30, max_msg_size=MAX_MESSAGE_BYTES
            )
        except aiohttp.WSServerHandshakeError as error:
            return f"{url} answered {error.status} where a WebSocket should open: is the base URL right?"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"cannot connect to {url}: {error or type(error).__name__}"
        async with socket:
            options = self._options
            who = f"{options.worker_id} (config {options.config_id}, capacity {options.capacity})"
            self._report(f"connected to {url} as {who}")
            self._backoff.reset()
            link = Link(socket, options, clock=self._clock, random=self._random, report=self._report)
            await link.serve(self._stop)
        return f"the connection to {url} was lost (close code {socket.close_code})"

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
