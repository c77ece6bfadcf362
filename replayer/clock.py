"""Time, handed in. Nothing else in the program asks the machine what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

__all__ = ["Clock", "SystemClock", "timestamp"]


class Clock(Protocol):
    """What the program asks of time."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def ms(self) -> float:
        """Milliseconds of a clock that never goes back; its zero means nothing."""


class SystemClock:
    """The machine's own clock."""

    now = staticmethod(partial(datetime.now, UTC))

    def ms(self) -> float:
        return time.perf_counter() * 1000


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second: `2026-11-20T15:40:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
