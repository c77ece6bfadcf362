"""Replay, row by row of the table: against a bare aiohttp application, against other programs, and by itself.

The bare application answers the same bytes to the same requests. Peers that are not installed are named as absent.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import loading, pacing, peers
from tests.benchmarks.server import Server, run
from tests.benchmarks.table import Line, show
from tests.benchmarks.traffic import write_cassette

COUNT = int(os.environ.get("REPLAYER_BENCH_COUNT", "10000"))
MANY, FEW = 10 * COUNT, max(1, COUNT // 100)
STARTS = 3
"""Of each server: where a process happens to lie in memory makes it a few hundredths quicker or slower, all its life.
"""


def main() -> bool:
    lines = [*_throughput(), *peers.lines(FEW), *pacing.lines(), *loading.lines(COUNT)]
    return show(lines)


def _throughput() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        for count in (FEW, COUNT, MANY):
            write_cassette(Path(folder) / f"{count}.yaml", count)
        servers = _measured(Path(folder))
        for _ in range(STARTS - 1):
            for one, again in zip(servers, _measured(Path(folder)), strict=True):
                one.seconds += again.seconds
    bare, plain, judged, few, many = servers
    return [
        *(Line(what=f"{one.name}, requests a second", measured=f"{one.per_second():.0f}") for one in servers),
        _line(f"replay, {COUNT:,} interactions, against bare aiohttp", plain.ratio(bare), 0.80),
        _line("the same with request contracts on", judged.ratio(bare), 0.65),
        _line(f"{MANY:,} interactions against {FEW:,}", many.ratio(few), 0.95),
    ]


def _measured(folder: Path) -> list[Server]:
    with ExitStack() as stack:

        def ours(name: str, count: int, contracts: str, distinct: int) -> Server:
            file = str(folder / f"{count}.yaml")
            command = [sys.executable, "-m", "replayer", "replay", file, "--port", "0", "--contracts", contracts]
            return Server(stack, name, command, distinct=distinct, count=COUNT)

        bare_command = [sys.executable, "-m", "tests.benchmarks.bare", str(COUNT)]
        bare = Server(stack, "bare aiohttp", bare_command, distinct=COUNT, count=COUNT)
        plain = ours(f"replay, {COUNT:,} interactions", COUNT, "off", COUNT)
        judged = ours("the same with contracts", COUNT, "on", COUNT)
        few = ours(f"replay, {FEW:,} interactions", FEW, "off", FEW)
        many = ours(f"replay, {MANY:,} interactions", MANY, "off", FEW)
        servers = [bare, plain, judged, few, many]
        run(servers)
        return servers


def _line(what: str, ratio: float, bar: float) -> Line:
    return Line(what=what, measured=f"{ratio:.2f}", bar=f"≥ {bar:.2f}", held=ratio >= bar)
