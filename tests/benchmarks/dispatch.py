"""Dispatch: REST → worker → REST against a bare aiohttp relay, a thousand workers, and the cost of checking a frame.

Servers, workers and the load generator are processes of their own; rounds alternate between the servers. The number of
requests of a round can be given in REPLAYER_BENCH_COUNT.

The bar of the exchange is held as that of replay is: without contracts, of which the relay has none either. With them,
two bodies and two frames of each exchange are judged; that row stands beside it, and a single frame has its own bar.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from replayer.cassette.model import Sender
from replayer.contract.registry import bundled
from tests.benchmarks.echo_worker import reply
from tests.benchmarks.table import Line, show
from tests.benchmarks.traffic import asked

TOP = Path(__file__).parent.parent.parent
COUNT = int(os.environ.get("REPLAYER_BENCH_COUNT", "5000"))
ROUNDS = 5
WORKERS = 1000
CONFIG = """
[[route]]
path = "/v1/chat/completions"
task = "openai/chat-completion"
[dispatch]
workers = "many"
"""


class Process:
    """A process that says one line when it is ready."""

    def __init__(self, stack: ExitStack, *arguments: str) -> None:
        command = [sys.executable, "-m", *arguments]
        self._process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TOP, text=True)
        )
        stack.callback(self._process.kill)

    def hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def memory(self) -> int:
        """Resident bytes (Linux)."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Server:
    """A server with its workers, and what it managed in each round."""

    def __init__(self, stack: ExitStack, name: str, arguments: list[str], *, workers: int, capacity: int) -> None:
        self.name = name
        self.seconds: list[float] = []
        self.process = Process(stack, *arguments)
        self.port = int(self.process.hear().rpartition(":")[2])
        before, began = self.process.memory(), time.perf_counter()
        connected = Process(stack, "tests.benchmarks.echo_worker", str(self.port), str(workers), str(capacity))
        assert connected.hear() == "ready"
        self.connecting = time.perf_counter() - began
        self.grown = self.process.memory() - before

    def per_second(self) -> float:
        return COUNT / statistics.median(self.seconds)

    def ratio(self, other: Server) -> float:
        return statistics.median(theirs / ours for ours, theirs in zip(self.seconds, other.seconds, strict=True))


def main() -> bool:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "replayer.toml").write_text(CONFIG)
        ours = ["replayer", "replay", str(folder), "--port", "0"]
        bare = Server(stack, "bare aiohttp relay", ["tests.benchmarks.relay"], workers=1, capacity=64)
        plain = Server(stack, "dispatch", [*ours, "--contracts", "off"], workers=1, capacity=64)
        judged = Server(stack, "the same with contracts", ours, workers=1, capacity=64)
        many = Server(stack, f"the same with {WORKERS} workers", ours, workers=WORKERS, capacity=1)
        servers = [bare, plain, judged, many]
        _run(stack, servers)
        frames = list(_frames())
        return show(
            [Line(what=f"{one.name}, requests a second", measured=f"{one.per_second():.0f}") for one in servers]
            + [
                _ratio("REST → worker → REST against a bare relay", plain.ratio(bare), 0.60),
                Line(what="the same with every body and frame judged", measured=f"{judged.ratio(bare):.2f}"),
                Line(what=f"{WORKERS} workers against one, judged", measured=f"{many.ratio(judged):.2f}"),
                Line(what=f"{WORKERS} workers: until all were registered", measured=f"{many.connecting:.2f} s"),
                Line(what="memory of one connected worker", measured=f"{many.grown / WORKERS / 1024:.0f} KiB"),
            ]
            + frames
        )


def _run(stack: ExitStack, servers: list[Server]) -> None:
    generator = Process(stack, "tests.benchmarks.dispatch_load")
    for round_ in range(ROUNDS + 1):
        for server in servers:
            generator.say(f"{server.port} {COUNT}")
            said = generator.hear()
            if said == "wrong" or not said:
                raise SystemExit(f"{server.name} answered something else than its worker said")
            if round_:  # the first warms up
                server.seconds.append(float(said))


def _ratio(what: str, ratio: float, bar: float) -> Line:
    return Line(what=what, measured=f"{ratio:.2f}", bar=f"≥ {bar:.2f}", held=ratio >= bar)


def _frames() -> list[Line]:
    """Valid frames of the exchange above, each checked as often as takes a while."""
    contract = bundled()
    ids = '"job_id":"01a1fcc3-a985-79bf-a10f-894332ac6c37","mode":"transient","config_id":"default"'
    payload = '{"task":"openai/chat-completion",' + asked(1).decode()[1:]
    job = f'{{"type":"job",{ids},"payload":{payload},"fence_token":1}}'
    frames = {
        "register": (Sender.CLIENT, '{"type":"register","worker_id":"w1","config_id":"default","capacity":1}'),
        "job (1 KB)": (Sender.SERVER, job),
        "job_result (3.5 KB)": (Sender.CLIENT, reply(job).decode()),
    }
    lines = []
    for name, (sender, text) in frames.items():
        assert contract.frame("/ws", sender, text, where="", service="casola").violations == ()
        times = []
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(2_000):
                contract.frame("/ws", sender, text, where="", service="casola")
            times.append((time.perf_counter() - began) / 2_000 * 1e6)
        cost = min(times)
        lines.append(
            Line(what=f"a valid frame checked: {name}", measured=f"{cost:.1f} µs", bar="≤ 10 µs", held=cost <= 10)
        )
    return lines


if __name__ == "__main__":
    main()
