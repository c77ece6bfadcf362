"""`replayer record` as the benchmarks run it, its processes seen from outside, and what is around it. Linux only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

__all__ = ["MEMORY_MIB", "MIB", "TOP", "Recorder", "cpu", "load_generator", "upstream"]

TOP = Path(__file__).parent.parent.parent
MEMORY_MIB = 64
MIB = 2**20
_HZ = os.sysconf("SC_CLK_TCK")
_NUMBERS = count(1)


class Recorder:
    """`replayer record` (the `parent`), and the process that does the recording (`pid`)."""

    def __init__(self, stack: ExitStack, folder: Path, upstream: int, mode: str) -> None:
        number = next(_NUMBERS)
        self.output = folder / f"recorded-{number}.yaml"
        self._told = folder / f"told-{number}.txt"
        command = ["-m", "replayer", "record", "--upstream", f"x=http://127.0.0.1:{upstream}", "-o", str(self.output)]
        # As on a developer's machine: some secrets of the environment are looked for in everything.
        secrets = {f"SERVICE_{n}_API_KEY": f"not-in-any-body-{n}-{'x' * 24}" for n in range(5)}
        told = stack.enter_context(self._told.open("wb"))
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, *command, "--record-mode", mode],
                stdout=subprocess.PIPE,
                stderr=told,
                cwd=TOP,
                text=True,
                env={**os.environ, **secrets, "XDG_DATA_HOME": str(folder / "data")},
            )
        )
        stack.callback(self._process.kill)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline().rpartition(":")[2])
        self.parent = self._process.pid
        self.pid = int(Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text().split()[0])

    def end(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send the signal: the seconds until all is over."""
        began = time.monotonic()
        self._process.send_signal(number)
        self._process.wait()
        return time.monotonic() - began

    @property
    def said(self) -> str:
        """What it said on stderr."""
        return self._told.read_text()

    def peak(self) -> int:
        """Bytes that the recording process held at most since `calm`."""
        return _status(self.pid, "VmHWM")

    def calm(self) -> int:
        """Bytes that it holds now; from here on peaks are counted."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return _status(self.pid, "VmRSS")


def cpu(*pids: int) -> float:
    """Seconds of CPU that processes have used, their own and the system's for them."""
    used = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / _HZ


def upstream(stack: ExitStack) -> int:
    """The port of a running upstream."""
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.provider"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it complains of connections that are cut
            cwd=TOP,
            text=True,
        )
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    return int(process.stdout.readline().rpartition(":")[2])


def load_generator(stack: ExitStack) -> Callable[[int, int], float]:
    """What asks a port so many times, and says how many seconds it took."""
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
    stdin, stdout = generator.stdin, generator.stdout
    assert stdin is not None
    assert stdout is not None

    def ask(port: int, times: int) -> float:
        stdin.write(f"{port} {times} 1\n")
        stdin.flush()
        said = stdout.readline().strip()
        if said == "wrong" or not said:
            raise SystemExit(f"port {port} answered something else than the upstream")
        return float(said)

    return ask


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"{name} of process {pid} is not known here")
