"""A command of ours as a child process: started as a user would start it, and stopped the same way."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from replayer.errors import ReplayerError

__all__ = ["Child", "Finished", "run", "started"]

LISTENING = "listening on "
START_LIMIT = 30.0
STOP_LIMIT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended: its status and what it wrote."""

    status: int
    stdout: str
    stderr: str


class Child:
    """A running command. `url` is what its first line said, for those that listen."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self._process = process
        self._name = name
        self.url = ""

    async def wait_until_listening(self) -> None:
        """Read the first line of stdout. Raises ReplayerError with the child's own words if it ends instead."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_LIMIT)
        except TimeoutError:
            raise ReplayerError(f"{self._name} did not listen within {START_LIMIT:.0f} s") from None
        if not line.startswith(LISTENING.encode()):
            finished = await self._end()
            raise ReplayerError(f"{self._name} ended with {finished.status} before it listened:\n{finished.stderr}")
        self.url = line.decode().removeprefix(LISTENING).split()[0]

    async def stop(self) -> Finished:
        """SIGINT, as Ctrl-C sends it; the child's last words come back."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
        return await self._end()

    async def _end(self) -> Finished:
        try:
            stdout, stderr = await asyncio.wait_for(self._process.communicate(), STOP_LIMIT)
        except TimeoutError:
            self._process.kill()
            raise ReplayerError(f"{self._name} did not end within {STOP_LIMIT:.0f} s of Ctrl-C") from None
        assert self._process.returncode is not None
        return Finished(status=self._process.returncode, stdout=stdout.decode(), stderr=stderr.decode())


@asynccontextmanager
async def started(*arguments: str, listens: bool = True) -> AsyncIterator[Child]:
    """`replayer ARGUMENTS` for the length of a block; killed at its end if it still runs."""
    process = await _spawn(arguments)
    child = Child(process, f"replayer {arguments[0]}")
    try:
        if listens:
            await child.wait_until_listening()
        yield child
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(*arguments: str) -> Finished:
    """`replayer ARGUMENTS`, to its end."""
    process = await _spawn(arguments)
    stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return Finished(status=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())


async def _spawn(arguments: tuple[str, ...]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "replayer",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
