"""How soon a recording ends when it is asked to, with something long under way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp

from tests.benchmarks.record_long import BYTES, FRAMES
from tests.benchmarks.recorder import Recorder
from tests.benchmarks.table import Line

__all__ = ["ends"]

TIMES = 3
Doing = Callable[[aiohttp.ClientSession, str, asyncio.Event], Awaitable[None]]


def ends(stack: ExitStack, folder: Path, port: int) -> list[Line]:
    """Each way of asking, in each mode, in the middle of each long exchange."""
    lines = []
    for mode in ("all", "new_episodes"):
        for what, do in (("a body", _download), ("a connection", _talk)):
            for number in (signal.SIGINT, signal.SIGTERM):
                taken = [asyncio.run(_end(Recorder(stack, folder, port, mode), do, number)) for _ in range(TIMES)]
                worst = max(taken)
                name = f"{mode}, {number.name} in {what}, seconds to the end, worst of {TIMES}"
                lines.append(Line(what=name, measured=f"{worst:.2f}", bar="≤ 2", held=worst <= 2))
    return lines


async def _end(recorder: Recorder, do: Doing, number: signal.Signals) -> float:
    under_way = asyncio.Event()

    async def client() -> None:
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
                await do(session, f"http://127.0.0.1:{recorder.port}", under_way)

    asking = asyncio.create_task(client())
    waiting = asyncio.create_task(under_way.wait())
    await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert under_way.is_set(), recorder.said
    seconds = await asyncio.to_thread(recorder.end, number)
    assert "recorded 1 exchange(s)" in recorder.said, recorder.said
    await asking
    return seconds


async def _download(session: aiohttp.ClientSession, base: str, under_way: asyncio.Event) -> None:
    """As much of it is stored as may be: what takes longest to write and to look at."""
    came = 0
    async with session.get(f"{base}/large?bytes={BYTES}") as answer:
        async for piece in answer.content.iter_any():
            came += len(piece)
            if came > min(50 << 20, BYTES // 2):
                under_way.set()


async def _talk(session: aiohttp.ClientSession, base: str, under_way: asyncio.Event) -> None:
    count = 0
    async with session.ws_connect(f"{base}/talk?frames={FRAMES}", max_msg_size=0) as connection:
        async for _ in connection:
            count += 1
            if count > FRAMES // 2:
                under_way.set()
