"""SSE at the recorded pace, 100 streams at once: how far each chunk is from its time, as its client sees it."""

from __future__ import annotations

import asyncio
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
                late = asyncio.run(_ask(int(server.stdout.readline().rpartition(":")[2])))
            finally:
                server.kill()
    late.sort()
    within = sum(abs(ms) <= BAR_MS for ms in late) / len(late)
    return [
        Line(
            what=f"SSE at recorded pace, {STREAMS} streams: chunks within {BAR_MS:g} ms",
            measured=f"{within:.1%} (half within {late[len(late) // 2]:.1f} ms)",
            bar="≥ 99 %",
            held=within >= 0.99,
        )
    ]


async def _ask(port: int) -> list[float]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_stream(port, number)) for number in range(STREAMS)]
    return [ms for task in tasks for ms in task.result()]


async def _stream(port: int, place: int) -> list[float]:
    """Milliseconds that each chunk came late (or, negative, early). Streams begin spread over one pause, as they do
    where nobody lines them up."""
    await asyncio.sleep(place * EVERY_MS / STREAMS / 1000)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    writer.write(ASK)
    late: list[float] = []
    for number in range(CHUNKS):
        await reader.readuntil(b"\n\n\r\n")
        late.append((time.perf_counter() - began) * 1000 - EVERY_MS * (number + 1))
    writer.close()
    return late
