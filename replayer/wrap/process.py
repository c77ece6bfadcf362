"""A wrapped program as a process: started, signalled, waited for.

The rule: it has our terminal, our standard streams and our process group, so that it behaves as if nobody had wrapped
it. A signal that we get is passed on, except for those that the terminal sends to both of us.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from replayer.errors import UsageError

__all__ = ["Ended", "Process", "started"]

FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
PASSED_ON = (*FROM_TERMINAL, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
ENDING = (*FROM_TERMINAL, signal.SIGTERM, signal.SIGHUP)
END_WITHIN = 5.0


class Ended(NamedTuple):
    """A program that has ended."""

    status: int
    """As a shell says it: 128 and the signal's number where a signal ended it."""
    told_to: bool
    """Whether somebody asked for its end while it ran; they wait."""


class Process:
    """A program that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._told_to_end = False

    async def wait(self) -> int:
        """Its exit status, as in `Ended`."""
        status = await self._process.wait()
        return 128 - status if status < 0 else status

    async def ended(self) -> Ended:
        """Wait for its end."""
        return Ended(await self.wait(), self._told_to_end)

    async def end(self) -> None:
        """End it: politely, then at once."""
        for signal_it in (self._process.terminate, self._process.kill):
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    signal_it()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), END_WITHIN)

    @contextmanager
    def signalled(self) -> Iterator[None]:
        """Our signals are its signals for the length of a block. Needs the running loop."""
        loop = asyncio.get_running_loop()
        for number in PASSED_ON:
            loop.add_signal_handler(number, self._pass_on, number)
        try:
            yield
        finally:
            for number in PASSED_ON:
                loop.remove_signal_handler(number)

    def _pass_on(self, number: signal.Signals) -> None:
        self._told_to_end = self._told_to_end or number in ENDING
        if number in FROM_TERMINAL and _in_foreground():
            return  # it has it already
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


async def started(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start `command`. UsageError where there is no such program, or it may not be run."""
    try:
        return Process(await asyncio.create_subprocess_exec(*command, env=dict(environment)))
    except OSError as error:
        raise UsageError(f"-- {command[0]}: cannot be run: {error.strerror}") from None


def _in_foreground() -> bool:
    """Whether Ctrl-C on our terminal reaches our whole process group."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    return False
