"""Recording against plain mitmdump, in one run: requests a second, time to first byte, memory that does not grow, and
how soon it ends.

`mitmdump`, the recorder, the upstream and the load generator are processes of their own; rounds alternate. With
`--record-mode all` the recorder stands alone, as mitmdump does; in the default mode a gateway stands in front, which is
one more process on the way, and takes CPU that another core may give. Linux only.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from tests.benchmarks.record_ends import ends
from tests.benchmarks.record_long import long_ones
from tests.benchmarks.record_many import many
from tests.benchmarks.recorder import TOP, Recorder, cpu, load_generator, upstream
from tests.benchmarks.table import Line, show

ROUNDS = int(os.environ.get("REPLAYER_BENCH_ROUNDS", "5"))
COUNT = int(os.environ.get("REPLAYER_BENCH_COUNT", "2000"))
STREAMS = int(os.environ.get("REPLAYER_BENCH_STREAMS", "200"))


class Proxy:
    """A proxy in front of the upstream, and what it managed. `pids` are the processes that a request goes through."""

    def __init__(self, name: str, port: int, pids: tuple[int, ...] = ()) -> None:
        self.name = name
        self.port = port
        self.pids = pids
        self.seconds: list[float] = []
        self.cpu: list[float] = []
        self.first_bytes: list[float] = []

    def per_second(self) -> float:
        return COUNT / statistics.median(self.seconds)

    def cpu_ms(self) -> float:
        """Of all its processes, a request."""
        return statistics.median(self.cpu) / COUNT * 1000

    def ratio(self, other: Proxy) -> float:
        """How many times as quick as the other."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.seconds, other.seconds, strict=True))

    def later(self, other: Proxy) -> float:
        """Milliseconds by which its first bytes come later."""
        return (statistics.median(self.first_bytes) - statistics.median(other.first_bytes)) * 1000


def main() -> bool:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = upstream(stack)
        lines = _against_mitmdump(stack, folder, port)
        lines += long_ones(stack, folder, port)
        lines += many(stack, folder, port)
        lines += ends(stack, folder, port)
        return show(lines)


def _against_mitmdump(stack: ExitStack, folder: Path, port: int) -> list[Line]:
    with ExitStack() as running:
        plain = _mitmdump(running, "mitmdump", folder, port)
        # Left alone it would give the first byte with the last: what we are held against streams, as we do.
        streaming = _mitmdump(running, "mitmdump, streaming", folder, port, "stream_large_bodies=1")
        recorder = Recorder(running, folder, port, "all")
        ours = Proxy("recording", recorder.port, (recorder.pid,))
        fronted = Recorder(running, folder, port, "new_episodes")
        behind = Proxy("recording, new_episodes", fronted.port, (fronted.pid, fronted.parent))
        _rounds(running, [plain, ours, behind])
        asyncio.run(_first_bytes([streaming, ours, behind]))
        recorder.end()
        fronted.end()
    every = (plain, ours, behind)
    lines = [Line(what=f"{one.name}, requests a second", measured=f"{one.per_second():.0f}") for one in every]
    lines += [Line(what=f"{one.name}, ms of CPU a request", measured=f"{one.cpu_ms():.2f}") for one in every]
    for one in (ours, behind):
        ratio = one.ratio(plain)
        what = f"{one.name}, against mitmdump"
        lines.append(Line(what=what, measured=f"{ratio:.2f}", bar="≥ 0.85", held=ratio >= 0.85))
    for one in (ours, behind):
        later = one.later(streaming)
        what = f"{one.name}, first byte later, median, ms"
        lines.append(Line(what=what, measured=f"{later:.2f}", bar="≤ 2", held=later <= 2))
    worst = (_p99(ours.first_bytes) - _p99(streaming.first_bytes)) * 1000
    lines.append(Line(what="recording, first byte later, 99th percentile, ms", measured=f"{worst:.2f}"))
    return lines


def _mitmdump(stack: ExitStack, name: str, folder: Path, port: int, *settings: str) -> Proxy:
    with socket.create_server(("127.0.0.1", 0)) as held:
        own: int = held.getsockname()[1]
    beside = Path(sys.executable).with_name("mitmdump")
    command = str(beside) if beside.exists() else shutil.which("mitmdump") or "mitmdump"
    options = ["--mode", f"reverse:http://127.0.0.1:{port}@{own}", "--listen-host", "127.0.0.1", "-q"]
    options += ["--set", f"confdir={folder / 'ca'}", "--set", "connection_strategy=lazy"]
    for setting in settings:
        options += ["--set", setting]
    process = stack.enter_context(subprocess.Popen([command, *options], stdout=subprocess.DEVNULL, cwd=TOP))
    stack.callback(process.kill)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", own)) == 0:
                return Proxy(name, own, (process.pid,))
        time.sleep(0.1)
    raise SystemExit("mitmdump does not listen")


def _rounds(stack: ExitStack, proxies: list[Proxy]) -> None:
    ask = load_generator(stack)
    for round_ in range(ROUNDS + 1):
        for proxy in proxies:
            before = cpu(*proxy.pids)
            seconds = ask(proxy.port, COUNT)
            if round_:  # the first warms up
                proxy.seconds.append(seconds)
                proxy.cpu.append(cpu(*proxy.pids) - before)


async def _first_bytes(proxies: list[Proxy]) -> None:
    """From the upstream's writing of the first event to its arrival, one stream after the other."""
    async with aiohttp.ClientSession() as session:
        for number in range(STREAMS + 10):
            for proxy in proxies:
                async with session.get(f"http://127.0.0.1:{proxy.port}/stream") as answer:
                    first = await answer.content.readany()
                    came = time.monotonic_ns()
                    await answer.read()
                if number >= 10:
                    proxy.first_bytes.append((came - int(first.split()[1])) / 1e9)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
