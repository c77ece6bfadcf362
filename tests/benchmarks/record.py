"""Recording against plain mitmdump, in one run: requests a second, time to first byte, and memory that does not grow.

`mitmdump`, the recorder, the upstream and the load generator are processes of their own; rounds alternate. Memory is
the peak of the recorder process (VmHWM) above what it held before. Linux only.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from tests.benchmarks.table import Line, show

TOP = Path(__file__).parent.parent.parent
ROUNDS = int(os.environ.get("REPLAYER_BENCH_ROUNDS", "5"))
COUNT = int(os.environ.get("REPLAYER_BENCH_COUNT", "2000"))
STREAMS = int(os.environ.get("REPLAYER_BENCH_STREAMS", "200"))
BYTES = int(os.environ.get("REPLAYER_BENCH_BYTES", str(1 << 30)))
FRAMES = int(os.environ.get("REPLAYER_BENCH_FRAMES", "100000"))
MEMORY_MIB = 64


class Proxy:
    """A proxy in front of the upstream, and what it managed."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self.seconds: list[float] = []
        self.first_bytes: list[float] = []

    def per_second(self) -> float:
        return COUNT / statistics.median(self.seconds)


def main() -> bool:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = _started(stack, ["-m", "tests.benchmarks.provider"])
        plain = Proxy("mitmdump", _mitmdump(stack, folder, upstream))
        # Left alone it would give the first byte with the last: what we are held against streams, as we do.
        streaming = Proxy("mitmdump, streaming", _mitmdump(stack, folder, upstream, "stream_large_bodies=1"))
        recorder = _recorder(stack, folder, upstream)
        ours = Proxy("replayer record", recorder.port)
        _rounds(stack, [plain, ours])
        asyncio.run(_first_bytes([streaming, ours]))
        memory = asyncio.run(_memory(recorder))
        written = recorder.end()
        ratio = statistics.median(a / b for a, b in zip(plain.seconds, ours.seconds, strict=True))
        later = (statistics.median(ours.first_bytes) - statistics.median(streaming.first_bytes)) * 1000
        worst = (_p99(ours.first_bytes) - _p99(streaming.first_bytes)) * 1000
        lines = [
            Line(what=f"{one.name}, requests a second", measured=f"{one.per_second():.0f}") for one in (plain, ours)
        ]
        lines += [
            Line(what="recording against mitmdump", measured=f"{ratio:.2f}", bar="≥ 0.85", held=ratio >= 0.85),
            Line(what="first byte later, median, ms", measured=f"{later:.2f}", bar="≤ 2", held=later <= 2),
            Line(what="first byte later, 99th percentile, ms", measured=f"{worst:.2f}"),
        ]
        for what, mib in memory:
            bar = f"< {MEMORY_MIB}"
            lines.append(
                Line(what=f"{what}, more MiB at the peak", measured=f"{mib:.0f}", bar=bar, held=mib < MEMORY_MIB)
            )
        lines.append(Line(what="after it, MiB of cassette", measured=f"{written / 2**20:.0f}"))
        return show(lines)


class Recorder:
    """`replayer record`, and the process that does the recording."""

    def __init__(self, process: subprocess.Popen[str], port: int, output: Path) -> None:
        self._process = process
        self._output = output
        self.port = port
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self.pid = int(children[0])

    def end(self) -> int:
        """Stop recording; the bytes of the cassette."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        return self._output.stat().st_size

    def peak(self) -> int:
        """Bytes that it held at most since `calm`."""
        return _status(self.pid, "VmHWM")

    def calm(self) -> int:
        """Bytes that it holds now; from here on peaks are counted."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return _status(self.pid, "VmRSS")


def _started(stack: ExitStack, arguments: list[str]) -> int:
    process = stack.enter_context(
        subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, cwd=TOP, text=True)
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    return int(process.stdout.readline().rpartition(":")[2])


def _mitmdump(stack: ExitStack, folder: Path, upstream: int, *settings: str) -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    beside = Path(sys.executable).with_name("mitmdump")
    command = str(beside) if beside.exists() else shutil.which("mitmdump") or "mitmdump"
    options = ["--mode", f"reverse:http://127.0.0.1:{upstream}@{port}", "--listen-host", "127.0.0.1", "-q"]
    options += ["--set", f"confdir={folder / 'ca'}", "--set", "connection_strategy=lazy"]
    for setting in settings:
        options += ["--set", setting]
    process = stack.enter_context(subprocess.Popen([command, *options], stdout=subprocess.DEVNULL))
    stack.callback(process.kill)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
        time.sleep(0.1)
    raise SystemExit("mitmdump does not listen")


def _recorder(stack: ExitStack, folder: Path, upstream: int) -> Recorder:
    output = folder / "recorded.yaml"
    command = ["-m", "replayer", "record", "--upstream", f"x=http://127.0.0.1:{upstream}", "-o", str(output)]
    # As on a developer's machine: some secrets of the environment are looked for in everything.
    secrets = {f"SERVICE_{n}_API_KEY": f"not-in-any-body-{n}-{'x' * 24}" for n in range(5)}
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            cwd=TOP,
            text=True,
            env={**os.environ, **secrets, "XDG_DATA_HOME": str(folder / "data")},
        )
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    return Recorder(process, int(process.stdout.readline().rpartition(":")[2]), output)


def _rounds(stack: ExitStack, proxies: list[Proxy]) -> None:
    generator = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=TOP,
            text=True,
        )
    )
    stack.callback(generator.kill)
    assert generator.stdin is not None
    assert generator.stdout is not None
    for round_ in range(ROUNDS + 1):
        for proxy in proxies:
            generator.stdin.write(f"{proxy.port} {COUNT} 1\n")
            generator.stdin.flush()
            said = generator.stdout.readline().strip()
            if said == "wrong" or not said:
                raise SystemExit(f"{proxy.name} answered something else than the upstream")
            if round_:  # the first warms up
                proxy.seconds.append(float(said))


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
            (f"an answer of {stored / 2**20:.0f} MiB, stored", download, 1 << 20, stored),
            (f"a connection of {FRAMES:,} frames", talk, 100, FRAMES),
        ):
            await do(small)  # what is loaded for the first is not the body's
            before = recorder.calm()
            await do(large)
            await asyncio.sleep(0.5)  # the end of the exchange is written when the client has it already
            await do(small)
            measured.append((what, (recorder.peak() - before) / 2**20))
    return measured


async def _pieces(size: int) -> AsyncIterator[bytes]:
    piece = b"0123456789abcdef" * 4096
    for _ in range(size // len(piece)):
        yield piece


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"{name} of process {pid} is not known here")


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
