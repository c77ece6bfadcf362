"""What is done and said when a recording is over: its files scanned and verified, and what the run fails on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from replayer.errors import ExitStatus, UsageError, closest
from replayer.record.messages import Summary
from replayer.redact.redactor import Redactor

__all__ = ["DEFAULT_FAIL_ON", "FAIL_ON", "Judgement", "failing", "judged"]

FAIL_ON = ("secret", "suspicion", "violation", "warning")
DEFAULT_FAIL_ON = "secret"


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
    """By the words of `--fail-on`; empty where nothing was recorded."""
    told: str
    status: ExitStatus


def judged(summary: Summary, redactor: Redactor, fail_on: frozenset[str]) -> Judgement:
    """What to tell of what was recorded, and the status that follows from it."""
    from replayer.afterwards import judge

    recorded = _new(summary)
    if not recorded:
        return Judgement(counts={}, told="", status=ExitStatus.HELD)
    result = judge(recorded, redactor)
    counts = {
        "secret": result.secrets,
        "suspicion": result.suspicions,
        "violation": result.violations,
        "warning": result.warnings,
    }
    files = " ".join(click.format_filename(path) for path, _ in recorded[:3])
    where = [f"replayer scan {files}"] if result.secrets or result.suspicions else []
    where += [f"replayer verify {files}"] if result.violations or result.warnings else []
    more = f" (see: {'; '.join(where)})" if where else ""
    failed = any(counts[word] for word in fail_on)
    status = ExitStatus.DID_NOT_HOLD if failed else ExitStatus.HELD
    return Judgement(counts=counts, told=result.told + more, status=status)


def _new(summary: Summary) -> Sequence[tuple[Path, int]]:
    return [(Path(path), count) for path, count in summary.files]
