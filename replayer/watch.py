"""Watching: what is played is read anew when its files change.

The rule: only what has stopped changing is read, and a file that is broken changes nothing: the old state goes on, and
the run says so once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from replayer.errors import ReplayerError
from replayer.inputs import fingerprint
from replayer.service import Service

__all__ = ["watch"]

EVERY_S = 0.5
"""Seconds between two looks."""


async def watch(
    service: Service, paths: Sequence[str], say: Callable[[str], None], *, every_s: float = EVERY_S
) -> None:
    """Reload `service` whenever something that `paths` name has changed, until cancelled."""
    known = last = await asyncio.to_thread(fingerprint, paths)
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(fingerprint, paths)
        if now != last or now == known:
            last = now
            continue
        known = now
        try:
            say(f"reloaded: {await service.reload()}")
        except ReplayerError as error:
            say(f"not reloaded, what was loaded before is played on: {error}")
