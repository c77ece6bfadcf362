"""What is done and said when a recording is over: its files scanned and verified, and what the run fails on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from replayer.clock import SystemClock
from replayer.errors import ExitStatus, UsageError, closest
from replayer.record.messages import Summary
from replayer.redact.redactor import Redactor

__all__ = ["DEFAULT_FAIL_ON", "FAIL_ON", "Judgement", "failing", "judged"]

FAIL_ON = ("secret", "suspicion", "violation", "warning")
DEFAULT_FAIL_ON = "secret"
WITHIN_MS = 1500.0
"""From the signal that ends a recording, in which it is looked at: two seconds, less what it takes to end."""
LEAST_MS = 200.0
"""It is looked at for so long in any case."""


def failing(text: str) -> frozenset[str]:
    """`--fail-on LIST`. Raises UsageError for a word that there is not."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in (*FAIL_ON, "none"):
            known = ", ".join((*FAIL_ON, "none"))
            raise UsageError(f"--fail-on {word}: there is no such reason{closest(word, FAIL_ON)} (there are: {known})")
    return frozenset(words) - {"none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What scan and verify say of a recording."""

    counts: Mapping[str, int]
    """By the words of `--fail-on`, and `unchecked` interactions; empty where nothing was recorded."""
    told: str
    status: ExitStatus


def judged(
    summary: Summary, redactor: Redactor, fail_on: frozenset[str], *, asked_at: float | None = None
) -> Judgement:
    """What to tell of what was recorded, and the status that follows from it.

    `asked_at` is when somebody asked for the end (ms of the clock): then there is little time.
    """
    from replayer.afterwards import judge, judge_within

    recorded = _new(summary)
    if not recorded:
        return Judgement(counts={}, told="", status=ExitStatus.HELD)
    if asked_at is None:
        result = judge(recorded, redactor)
    else:
        clock = SystemClock()
        left = max(LEAST_MS, asked_at + WITHIN_MS - clock.ms())
        result = judge_within(recorded, redactor, clock=clock, within_ms=left)
    counts = {
        "secret": result.secrets,
        "suspicion": result.suspicions,
        "violation": result.violations,
        "warning": result.warnings,
        "unchecked": result.unchecked,
    }
    files = " ".join(click.format_filename(path) for path, _ in recorded[:3])
    where = [f"replayer scan {files}"] if result.secrets or result.suspicions or result.unchecked else []
    where += [f"replayer verify {files}"] if result.violations or result.warnings or result.unchecked else []
    more = f" (see: {'; '.join(where)})" if where else ""
    failed = any(counts[word] for word in fail_on)
    status = ExitStatus.DID_NOT_HOLD if failed else ExitStatus.HELD
    return Judgement(counts=counts, told=result.told + more, status=status)


def _new(summary: Summary) -> Sequence[tuple[Path, int]]:
    return [(Path(path), count) for path, count in summary.files]
