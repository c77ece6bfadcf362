"""100,000 interactions in one recording: each costs what the first cost, in memory and in time, and so does its end."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.recorder import MEMORY_MIB, MIB, TOP, Recorder, cpu, load_generator
from tests.benchmarks.table import Line

__all__ = ["many"]

MANY = int(os.environ.get("REPLAYER_BENCH_MANY", "100000"))
JUDGED = 10
"""One of so many interactions is looked at afterwards: at a millisecond each, all of them would take minutes."""
GROWTH = 1.25

JUDGE = """
import sys
from pathlib import Path
from replayer.afterwards import judging
from replayer.redact.redactor import Redactor

def peak():
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))

for judged in judging([(Path(sys.argv[1]), int(sys.argv[2]))], Redactor.default({})):
    if judged.checked == 100:
        print(peak())
assert judged.checked == int(sys.argv[2]), judged
print(peak())
"""


def many(stack: ExitStack, folder: Path, port: int) -> list[Line]:
    """Ten parts of a recording, then its end."""
    recorder = Recorder(stack, folder, port, "all")
    ask = load_generator(stack)
    ask(recorder.port, 1000)
    before = recorder.calm()
    seconds: list[float] = []
    used: list[float] = []
    peaks: list[int] = []
    part = MANY // 10
    for _ in range(10):
        begun = cpu(recorder.pid)
        seconds.append(ask(recorder.port, part))
        used.append(cpu(recorder.pid) - begun)
        peaks.append(recorder.peak())
    ended = recorder.end()
    more = (peaks[-1] - peaks[0]) / MIB
    growth = used[-1] / used[0]
    judged = max(200, MANY // JUDGED)
    looking = _looking(recorder.output, judged)
    return [
        Line(what=f"{part:,} interactions, more MiB at the peak", measured=f"{(peaks[0] - before) / MIB:.0f}"),
        Line(
            what=f"{MANY:,}, more MiB than that", measured=f"{more:.0f}", bar=f"< {MEMORY_MIB}", held=more < MEMORY_MIB
        ),
        Line(
            what="CPU of the last tenth against the first",
            measured=f"{growth:.2f}",
            bar=f"≤ {GROWTH}",
            held=growth <= GROWTH,
        ),
        Line(what="time of the last tenth against the first", measured=f"{seconds[-1] / seconds[0]:.2f}"),
        Line(what="SIGINT after it, seconds to the end", measured=f"{ended:.2f}", bar="≤ 2", held=ended <= 2),
        Line(
            what=f"scan and verify of {judged:,}, more MiB than of 100",
            measured=f"{looking:.0f}",
            bar=f"< {MEMORY_MIB}",
            held=looking < MEMORY_MIB,
        ),
    ]


def _looking(path: Path, count: int) -> float:
    """MiB that looking at the last `count` interactions takes more than looking at 100 of them."""
    command = [sys.executable, "-c", JUDGE, str(path), str(count)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    first, whole = map(int, done.stdout.split())
    return (whole - first) / 1024
