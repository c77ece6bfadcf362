"""From the start of the process to its first answer: `replayer replay casola`, beside aiohttp.web alone.

The modules are byte-compiled before, as whoever installs a wheel has them.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.table import Line, show

TOP = Path(__file__).parent.parent.parent
RUNS = 9
BAR_S = 0.5
AIOHTTP = """
import asyncio
from aiohttp import web
async def health(request): return web.Response(body=b"{}")
async def main():
    app = web.Application()
    app.router.add_get("/health", health)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("listening on http://127.0.0.1:%d" % site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def main() -> bool:
    ours = [sys.executable, "-m", "replayer", "replay", "casola", "--port", "0"]
    theirs = [sys.executable, "-c", AIOHTTP]
    measured: dict[str, list[float]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for command in (ours, theirs):
            _first_answer(command, environment)
        for _ in range(RUNS):
            measured["ours"].append(_first_answer(ours, environment))
            measured["theirs"].append(_first_answer(theirs, environment))
    median = statistics.median(measured["ours"])
    return show(
        [
            Line(
                what="replayer replay casola: start to first answer (median)",
                measured=f"{median:.3f} s",
                bar=f"< {BAR_S} s",
                held=median < BAR_S,
            ),
            Line(what="aiohttp.web alone", measured=f"{statistics.median(measured['theirs']):.3f} s"),
        ]
    )


def _first_answer(command: list[str], environment: dict[str, str]) -> float:
    """Seconds until a request is answered."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=TOP, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline().rpartition(b":")[2])
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
            return time.perf_counter() - began
        finally:
            process.kill()
