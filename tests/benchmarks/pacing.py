"""SSE at the recorded pace, 100 streams at once: how far each chunk is from its time, as its client sees it.

What the machine itself allows stands beside it: as many timers in a process that does nothing else. Where those are
late, something else is at work, and nothing is measured.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Chunk, Interaction, Request, Response
from replayer.cassette.store import write
from tests.benchmarks.server import TOP
from tests.benchmarks.table import Line

__all__ = ["lines"]

STREAMS = 100
CHUNKS = 100
EVERY_MS = 20.0
BAR_MS = 5.0
ROUNDS = 5
EVENT = b'data: {"choices":[{"delta":{"content":"word"}}]}\n\n'
ASK = b"GET /v1/stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def lines() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stream.yaml"
        chunks = tuple(Chunk(EVERY_MS * (number + 1), len(EVENT)) for number in range(CHUNKS))
        response = Response(
            status=200, headers=(("content-type", "text/event-stream"),), body=EVENT * CHUNKS, chunks=chunks
        )
        request = Request(method="GET", uri="https://api.openai.com/v1/stream")
        write(file, Cassette(interactions=(Interaction(request=request, response=response),)), layout=Layout.FLOW)
        command = [sys.executable, "-m", "replayer", "replay", str(file), "--port", "0", "--pace", "recorded"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=TOP, text=True) as server:
            try:
                assert server.stdout is not None
                rounds, timers = _rounds(int(server.stdout.readline().rpartition(":")[2]))
            finally:
                server.kill()
    within = statistics.median(_within(late) for late in rounds)
    half = statistics.median(statistics.median(late) for late in rounds)
    last = statistics.median(sorted(late)[len(late) * 99 // 100] for late in rounds)
    return [
        Line(
            what=f"SSE at recorded pace, {STREAMS} streams: chunks within {BAR_MS:g} ms",
            measured=f"{within:.1%} (half within {half:.1f} ms, 99 % within {last:.1f} ms)",
            bar="≥ 99 %",
            held=within >= 0.99,
        ),
        Line(
            what="  the same, of bare timers in a process of their own",
            measured=f"{statistics.median(_within(late) for late in timers):.1%}",
        ),
    ]


def _rounds(port: int) -> tuple[list[list[float]], list[list[float]]]:
    """Of each round how late everything came, of the streams and of bare timers by turns; the first warms up."""
    streams, timers = [], []
    for _ in range(ROUNDS + 1):
        gc.collect()
        gc.disable()  # this side is only a watch
        try:
            streams.append(asyncio.run(_ask(port)))
            timers.append(asyncio.run(_time()))
        finally:
            gc.enable()
    return streams[1:], timers[1:]


def _within(late: list[float]) -> float:
    return sum(abs(ms) <= BAR_MS for ms in late) / len(late)


async def _ask(port: int) -> list[float]:
    connected = asyncio.Barrier(STREAMS)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_stream(port, number, connected)) for number in range(STREAMS)]
    return [ms for task in tasks for ms in task.result()]


async def _stream(port: int, place: int, connected: asyncio.Barrier) -> list[float]:
    """Milliseconds that each chunk came late (or, negative, early). Streams begin spread over one pause, as they do
    where nobody lines them up; connections are there before, because recorded times count from the request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await connected.wait()
    await asyncio.sleep(place * EVERY_MS / STREAMS / 1000)
    began = time.perf_counter()
    writer.write(ASK)
    late: list[float] = []
    for number in range(CHUNKS):
        await reader.readuntil(b"\n\n\r\n")
        late.append((time.perf_counter() - began) * 1000 - EVERY_MS * (number + 1))
    writer.close()
    return late


async def _time() -> list[float]:
    """The same times, kept by nobody but the event loop."""
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.01
    late: list[float] = []

    def fired(when: float) -> None:
        late.append((loop.time() - when) * 1000)

    due = [
        began + (place / STREAMS + number + 1) * EVERY_MS / 1000 for place in range(STREAMS) for number in range(CHUNKS)
    ]
    for when in due:
        loop.call_at(when, fired, when)
    await asyncio.sleep(max(due) + 0.1 - loop.time())
    return late
