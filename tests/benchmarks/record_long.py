"""One long exchange at a time: memory of the recording process at its peak, above what it held before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from tests.benchmarks.recorder import MEMORY_MIB, MIB, Recorder
from tests.benchmarks.table import Line

__all__ = ["BYTES", "FRAMES", "long_ones"]

BYTES = int(os.environ.get("REPLAYER_BENCH_BYTES", str(1 << 30)))
FRAMES = int(os.environ.get("REPLAYER_BENCH_FRAMES", "100000"))


def long_ones(stack: ExitStack, folder: Path, port: int) -> list[Line]:
    """A body of 1 GiB either way, one that is just stored, and a connection of 100,000 frames."""
    recorder = Recorder(stack, folder, port, "all")
    lines = []
    for what, mib in asyncio.run(_memory(recorder)):
        held = mib < MEMORY_MIB
        what = f"{what}, more MiB at the peak"
        lines.append(Line(what=what, measured=f"{mib:.0f}", bar=f"< {MEMORY_MIB}", held=held))
    recorder.end()
    lines.append(Line(what="after it, MiB of cassette", measured=f"{recorder.output.stat().st_size / MIB:.0f}"))
    return lines


async def _memory(recorder: Recorder) -> list[tuple[str, float]]:
    base = f"http://127.0.0.1:{recorder.port}"
    timeout = aiohttp.ClientTimeout(total=None)
    measured = []
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def download(size: int) -> None:
            async with session.get(f"{base}/large?bytes={size}") as answer:
                async for _ in answer.content.iter_any():
                    pass

        async def upload(size: int) -> None:
            async with session.post(f"{base}/upload", data=_pieces(size)) as answer:
                await answer.read()

        async def talk(frames: int) -> None:
            async with session.ws_connect(f"{base}/talk?frames={frames}", max_msg_size=0) as connection:
                count = sum([1 async for _ in connection])
                assert count == frames, count

        stored = 60 << 20 if BYTES > 64 << 20 else BYTES
        for what, do, small, large in (
            (f"an answer of {BYTES / 2**30:.2f} GiB", download, 1 << 20, BYTES),
            (f"a request of {BYTES / 2**30:.2f} GiB", upload, 1 << 20, BYTES),
            (f"an answer of {stored / MIB:.0f} MiB, stored", download, 1 << 20, stored),
            (f"a connection of {FRAMES:,} frames", talk, 100, FRAMES),
        ):
            await do(small)  # what is loaded for the first is not the body's
            before = recorder.calm()
            await do(large)
            await asyncio.sleep(0.5)  # the end of the exchange is written when the client has it already
            await do(small)
            measured.append((what, (recorder.peak() - before) / MIB))
    return measured


async def _pieces(size: int) -> AsyncIterator[bytes]:
    piece = b"0123456789abcdef" * 4096
    for _ in range(size // len(piece)):
        yield piece
