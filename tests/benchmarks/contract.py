"""Contracts: replay that checks, one worker's frame, and `verify` of a flow cassette against its loading.

The frames are those of a worker at work, one after another, as the dispatch server hands them over.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from replayer.cassette.model import Sender
from replayer.cassette.store import read
from replayer.contract.registry import Detail, bundled, load
from replayer.contract.verify import verify
from tests.benchmarks.server import Server, run
from tests.benchmarks.table import Line, show
from tests.benchmarks.traffic import write_cassette

FRAMES = (
    '{"type": "register", "worker_id": "local-worker", "config_id": "default", "capacity": 1}',
    '{"type": "job_progress", "job_id": "5ade8661-4a3f", "fence_token": 78, "status_message": "processing"}',
    '{"type": "job_result", "job_id": "2f8453d3-cc3c", "result": {"status": "success", "config_id": "default", "task":'
    ' "openai/chat-completion", "completion": {"id": "chatcmpl-mock", "model": "mock-model", "choices": [{"index": 0,'
    ' "message": {"role": "assistant", "content": "Mock response to: hello..."}, "finish_reason": "stop"}], "usage":'
    ' {"prompt_tokens": 1, "completion_tokens": 10, "total_tokens": 11}}}, "fence_token": 0}',
)
COUNT = 10_000
TURNS = 20_000
ROUNDS = 5
FRAME_BAR = 10.0
"""Microseconds."""
VERIFY_BAR = 10.0
"""Times its loading."""


def main() -> bool:
    return show([*_replay(), *_frames(), *_verify()])


def _replay() -> list[Line]:
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "flow.yaml"
        write_cassette(file, COUNT)
        python = [sys.executable, "-m"]
        bare = Server(
            stack, "bare aiohttp", [*python, "tests.benchmarks.bare", str(COUNT)], distinct=COUNT, count=COUNT
        )
        command = [*python, "replayer", "replay", str(file), "--port", "0", "--contracts", "on"]
        judged = Server(stack, "replay with contracts", command, distinct=COUNT, count=COUNT)
        run([bare, judged])
        ratio = judged.ratio(bare)
    return [Line(what="checked replay against bare aiohttp", measured=f"{ratio:.2f}", bar="≥ 0.65", held=ratio >= 0.65)]


def _frames() -> list[Line]:
    contract = bundled()
    lines = []
    for frame in FRAMES:
        assert contract.frame("/ws", Sender.CLIENT, frame, where="frame", service="casola").violations == ()

        def check(frame: str = frame) -> None:
            for _ in range(TURNS):
                contract.frame("/ws", Sender.CLIENT, frame, where="frame", service="casola")

        microseconds = _seconds(check) / TURNS * 1e6
        held = microseconds <= FRAME_BAR
        what = f"a valid frame of {len(frame)} bytes checked"
        lines.append(Line(what=what, measured=f"{microseconds:.1f} µs", bar=f"≤ {FRAME_BAR:.0f} µs", held=held))
    return lines


def _verify() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flow.yaml"
        write_cassette(file, COUNT)
        loading = _seconds(lambda: read(file))
        contract = load((), Detail.UNKNOWN_FIELDS)

        def whole() -> None:
            outcome = verify([(file.name, read(file))], contract)
            assert (outcome.checked.count, outcome.findings) == (2 * COUNT, ())

        times = _seconds(whole) / loading
    what = f"verify of {COUNT:,} interactions, loading included, against loading ({loading:.2f} s)"
    return [Line(what=what, measured=f"{times:.1f}", bar=f"≤ {VERIFY_BAR:.0f}", held=times <= VERIFY_BAR)]


def _seconds(work: Callable[[], object]) -> float:
    """The median of some rounds, after one to warm up."""
    taken = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])
