"""Work with a limit: what it told in time counts, and nothing waits for the rest. A real child process each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from replayer.bounded import last_told

AMPLE = 60_000.0


class Jumping:
    """A clock that stands still for so many looks, and then is a day ahead."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    def now(self) -> datetime:
        return datetime.fromtimestamp(0, UTC)

    def ms(self) -> float:
        self._looks -= 1
        return 0.0 if self._looks >= 0 else 86_400_000.0


def test_work_that_ends_in_time_has_told_everything() -> None:
    assert last_told(lambda: iter([b"1", b"2", b"3"]), clock=Jumping(1000), within_ms=AMPLE) == b"3"


def test_a_step_that_does_not_end_is_not_waited_for() -> None:
    def work() -> Iterator[bytes]:
        yield b"1"
        signal.pause()
        yield b"never"

    # One look for the end of the time, one for what is left of it: then something has come, and time is up.
    assert last_told(work, clock=Jumping(2), within_ms=AMPLE) == b"1"


def test_without_time_nothing_was_told() -> None:
    def work() -> Iterator[bytes]:
        signal.pause()
        yield b"never"

    assert last_told(work, clock=Jumping(1), within_ms=AMPLE) is None


def test_what_work_told_before_it_failed_counts_and_its_fault_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> Iterator[bytes]:
        yield b"1"
        raise ValueError("a defect")

    assert last_told(work, clock=Jumping(1000), within_ms=AMPLE) == b"1"
    assert "ValueError: a defect" in capfd.readouterr().err


def test_more_than_a_pipe_holds_can_be_told() -> None:
    lines = [b"%06d" % n for n in range(50_000)]
    assert last_told(lambda: iter(lines), clock=Jumping(1_000_000), within_ms=AMPLE) == lines[-1]
