"""The parent's side of the recorder process: start it, hear it, tell it to stop.

The rule: the child ends with its parent (the end of its stdin says so), and the parent never takes silence for success:
a child that ends without a summary was lost, and what it had finished is in the cassette.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from replayer.errors import RecorderError, ReplayerError, UnreadableError
from replayer.record.environment import child_environment, interpreter
from replayer.record.messages import Failed, Message, Ready, Summary, decode
from replayer.record.settings import ASK, SOON, Pace, Settings

__all__ = ["Recorder", "recorder"]

STOP_WITHIN = 10.0
"""Seconds in which a child that was told to stop must have ended; a long file takes a while to be laid out."""


class Recorder:
    """A recorder that listens. Leave the block of `recorder`, or call `stop`, to end it."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Ready, hear: Callable[[Message], None]) -> None:
        self._process = process
        self._hear = hear
        self.listeners = ready.listeners
        """`http://127.0.0.1:PORT`, the shared one first."""
        self.names = dict(ready.names)
        """Each upstream's name, and the base URL at which clients reach it."""
        self._summary: Summary | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self, pace: Pace = Pace.WHOLE) -> None:
        """Say that recording is over; `wait` for the summary."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            if pace is Pace.SOON:
                self._process.stdin.write(SOON)
            self._process.stdin.close()

    def ask(self, relay: str) -> None:
        """Have it say how a relayed exchange stands (`Standing`): it does when it is not at work on anything else."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(ASK + relay.encode() + b"\n")

    def kill(self) -> None:
        """End it at once; what is finished is in the file."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> Summary:
        """The summary, once the recorder has ended. Raises its error, or RecorderError where it was lost."""
        while self._summary is None:
            message = await _next(self._process)
            if message is None:
                raise _lost(await self._process.wait())
            if isinstance(message, Failed):
                await self._process.wait()
                raise _error(message)
            if isinstance(message, Summary):
                self._summary = message
            else:
                self._hear(message)
        await self._process.wait()
        return self._summary


@asynccontextmanager
async def recorder(
    settings: Settings,
    *,
    environment: Mapping[str, str] = os.environ,
    hear: Callable[[Message], None] = lambda _: None,
) -> AsyncIterator[Recorder]:
    """A recorder for as long as the block lasts; `hear` gets each exchange and notice while `wait` is awaited.

    Raises RecorderError where it cannot start, and whatever error of ours it ended with.
    """
    python = interpreter(environment)
    process = await asyncio.create_subprocess_exec(
        str(python),
        "-m",
        "replayer.record",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C reaches the whole foreground group; the child is told by us, once.
        start_new_session=True,
        env=child_environment(python, environment),
        limit=1 << 20,
    )
    try:
        ready = await _begin(process, settings, hear)
        one = Recorder(process, ready, hear)
        yield one
        one.stop()
        async with asyncio.timeout(STOP_WITHIN):
            await one.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with suppress(ConnectionError):
                await process.stdin.wait_closed()


async def _begin(process: asyncio.subprocess.Process, settings: Settings, hear: Callable[[Message], None]) -> Ready:
    assert process.stdin is not None
    process.stdin.write(settings.to_line())
    with suppress(ConnectionError):  # it ended already, and says why on its stdout
        await process.stdin.drain()
    while True:
        message = await _next(process)
        if message is None:
            raise _lost(await process.wait())
        if isinstance(message, Failed):
            raise _error(message)
        if isinstance(message, Ready):
            return message
        hear(message)


async def _next(process: asyncio.subprocess.Process) -> Message | None:
    """The next message, or None when there are no more."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        message = decode(line)
        if message is not None:
            return message
    return None


def _lost(status: int) -> RecorderError:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return RecorderError(
        f"the recorder process {how} before it was told to; every finished exchange is in the cassette, and the next "
        f"recording into it recovers what was under way"
    )


def _error(message: Failed) -> ReplayerError:
    error = UnreadableError(message.text) if message.status == UnreadableError.exit_status else None
    return error or RecorderError(message.text)
