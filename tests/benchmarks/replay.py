"""Replay against a bare aiohttp application that answers the same bytes: requests a second, as ratios.

Every server and the load generator are processes of their own; rounds alternate between the servers, so that what the
machine does meanwhile falls on all of them; the ratio is the median of the rounds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.table import Line, show
from tests.benchmarks.traffic import write_cassette

TOP = Path(__file__).parent.parent.parent
ROUNDS = 5
COUNT = 10_000
MANY, FEW = 100_000, 100


class Server:
    """A server process, and what it managed in each round."""

    def __init__(self, stack: ExitStack, name: str, arguments: list[str], distinct: int) -> None:
        self.name = name
        self.distinct = distinct
        self.seconds: list[float] = []
        command = [sys.executable, "-m", *arguments]
        process = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=TOP, text=True)
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        self.port = int(process.stdout.readline().rpartition(":")[2])

    def per_second(self) -> float:
        return COUNT / statistics.median(self.seconds)

    def ratio(self, other: Server) -> float:
        return statistics.median(theirs / ours for ours, theirs in zip(self.seconds, other.seconds, strict=True))


def main() -> bool:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for count in (FEW, COUNT, MANY):
            write_cassette(folder / f"{count}.yaml", count)

        def ours(name: str, count: int, contracts: str, distinct: int) -> Server:
            file = str(folder / f"{count}.yaml")
            arguments = ["replayer", "replay", file, "--port", "0", "--contracts", contracts]
            return Server(stack, name, arguments, distinct)

        bare = Server(stack, "bare aiohttp", ["tests.benchmarks.bare", str(COUNT)], COUNT)
        plain = ours("replay, 10,000 interactions", COUNT, "off", COUNT)
        judged = ours("the same with contracts", COUNT, "on", COUNT)
        few = ours("replay, 100 interactions", FEW, "off", FEW)
        many = ours("replay, 100,000 interactions", MANY, "off", FEW)
        servers = [bare, plain, judged, few, many]
        run(stack, servers)
        return show(
            [
                Line(what=f"{server.name}, requests a second", measured=f"{server.per_second():.0f}")
                for server in servers
            ]
            + [
                _line("replay, 10,000 interactions, against bare aiohttp", plain.ratio(bare), 0.80),
                _line("the same with request contracts on", judged.ratio(bare), 0.65),
                _line("100,000 interactions against 100", many.ratio(few), 0.95),
            ]
        )


def run(stack: ExitStack, servers: list[Server]) -> None:
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
        for server in servers:
            generator.stdin.write(f"{server.port} {COUNT} {server.distinct}\n")
            generator.stdin.flush()
            said = generator.stdout.readline().strip()
            if said == "wrong" or not said:
                raise SystemExit(f"{server.name} answered something else than was recorded")
            if round_:  # the first warms up
                server.seconds.append(float(said))


def _line(what: str, ratio: float, bar: float) -> Line:
    return Line(what=what, measured=f"{ratio:.2f}", bar=f"≥ {bar:.2f}", held=ratio >= bar)
