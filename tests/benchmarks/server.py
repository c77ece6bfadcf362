"""The servers that are measured, each a process of its own, and the rounds in which the load goes over them.

Rounds alternate between the servers, so that what the machine does meanwhile falls on all of them; a ratio is the
median of the rounds.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

__all__ = ["TOP", "Server", "free_port", "run"]

TOP = Path(__file__).parent.parent.parent
ROUNDS = 5
_READY_S = 60


class Server:
    """A server process, and what it managed in each round."""

    def __init__(
        self,
        stack: ExitStack,
        name: str,
        command: list[str],
        *,
        distinct: int,
        count: int,
        port: int | None = None,
        exact: bool = True,
        folder: Path = TOP,
    ) -> None:
        """`port` is where it will listen; without one its first line ends with it."""
        self.name = name
        self.distinct = distinct
        self.count = count
        self.exact = exact
        self.seconds: list[float] = []
        process = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, text=True)
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        if port is None:
            port = int(process.stdout.readline().rpartition(":")[2])
        else:
            _await(port, name)
        self.port = port

    def per_second(self) -> float:
        return self.count / statistics.median(self.seconds)

    def ratio(self, other: Server) -> float:
        """How many times as quick as the other."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(theirs / other.count * self.count / ours for ours, theirs in pairs)


def run(servers: list[Server]) -> None:
    """All rounds; the first one warms up."""
    with ExitStack() as stack:
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
                loose = "" if server.exact else " any"
                generator.stdin.write(f"{server.port} {server.count} {server.distinct}{loose}\n")
                generator.stdin.flush()
                said = generator.stdout.readline().strip()
                if said == "wrong" or not said:
                    raise SystemExit(f"{server.name} answered something else than was recorded")
                if round_:
                    server.seconds.append(float(said))


def free_port() -> int:
    """A port for a program that cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _await(port: int, name: str) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{name} does not listen on port {port}")
