"""The word to stop a recorder: the end of its stdin, or a signal that asks politely; and whether somebody waits.

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
from replayer.record.settings import SOON

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
        self._due: float | None = None

    def listen(self) -> None:
        """From now on it is heard. Needs the running loop."""
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
            self._read += data
            if not data:
                asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
                (self._soon if self._read == SOON else self.asked.set)()

    def _soon(self) -> None:
        self._due = self._clock.ms() + SOON_MS
        self.asked.set()
