"""The worker's program: started with what a worker needs in its environment, watched, and ended.

What it prints goes to our stderr, so that a report on stdout stands alone. It leads a process group of its own: what it
starts ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from replayer.errors import UsageError

__all__ = ["DEFAULTS", "CommandLaunch", "Launch", "Program"]

DEFAULTS: Mapping[str, str] = {
    "CASOLA_CONFIG_ID": "default",
    "CASOLA_INSTANCE_ID": "checked-worker",
    "CASOLA_CAPACITY": "2",
    "CASOLA_QUEUE_ID": "replayer-check",
    "CASOLA_API_TOKEN": "replayer-check-token",
}
"""What a worker finds in its environment beside CASOLA_WS_URL, where the user has not set it."""


class Program(Protocol):
    """A worker that was started."""

    def terminate(self) -> None:
        """Ask it to end, as an orchestrator does: SIGTERM."""

    def kill(self) -> None:
        """End it, and what it started."""

    async def wait(self) -> int:
        """Its exit status, once it has ended."""


class Launch(Protocol):
    """Starts the worker."""

    token: str | None
    """CASOLA_API_TOKEN, as the worker has it."""

    async def __call__(self, url: str) -> Program:
        """Start it with this CASOLA_WS_URL."""


class CommandLaunch:
    """Starts a command line."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = tuple(command)
        self._environment = {**DEFAULTS, **environment}
        self.token: str | None = self._environment["CASOLA_API_TOKEN"] or None

    async def __call__(self, url: str) -> Program:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                env={**self._environment, "CASOLA_WS_URL": url},
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"cannot start {self._command[0]!r}: {error.strerror or error}") from error
        return _Process(process)


class _Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def wait(self) -> int:
        return await self._process.wait()
