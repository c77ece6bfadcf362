"""The word to stop a recorder: the end of its stdin, or a signal that asks politely; and whether somebody waits. Until
then stdin brings questions.

The rule: what is under way is always written. Where somebody waits, what takes long and can be done later is left, and
the summary says so.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from replayer.clock import Clock
from replayer.record.settings import ASK, SOON

__all__ = ["Stop"]

SOON_MS = 700.0
"""From the word to stop, in which files are laid out where somebody waits: the rest of two seconds is for ending what
is under way, and for looking at what was recorded."""


class Stop:
    """Wait for `asked`."""

    def __init__(self, clock: Clock) -> None:
        self.asked = asyncio.Event()
        self._clock = clock
        self._read = b""
        self._answer: Callable[[str], None] = lambda _: None
        self._due: float | None = None

    def listen(self, answer: Callable[[str], None]) -> None:
        """From now on it is heard; `answer` is called with the exchange that is asked about. Needs the running loop."""
        self._answer = answer
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self._take)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._soon)

    @property
    def late(self) -> Callable[[], bool] | None:
        """Whether time is up; None where nobody waits."""
        due = self._due
        return None if due is None else lambda: self._clock.ms() > due

    def _take(self) -> None:
        with suppress(BlockingIOError):
            data = os.read(sys.stdin.fileno(), 4096)
            *lines, self._read = (self._read + data).split(b"\n")
            for line in lines:
                self._heard(line + b"\n")
            if not data:
                asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
                self.asked.set()

    def _heard(self, line: bytes) -> None:
        if line == SOON:
            self._soon()
        elif line.startswith(ASK):
            self._answer(line.removeprefix(ASK).decode().strip())

    def _soon(self) -> None:
        self._due = self._clock.ms() + SOON_MS
        self.asked.set()
