"""What is done and said when a recording is over: its files scanned and verified, and what the run fails on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from replayer.errors import ExitStatus, UsageError, closest
from replayer.record.messages import Summary
from replayer.redact.redactor import Redactor

__all__ = ["DEFAULT_FAIL_ON", "FAIL_ON", "failing", "judged"]

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


def judged(summary: Summary, redactor: Redactor, fail_on: frozenset[str]) -> tuple[str, ExitStatus]:
    """What to tell of what was recorded, and the status that follows from it."""
    from replayer.afterwards import judge

    recorded = _new(summary)
    if not recorded:
        return "", ExitStatus.HELD
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
    return result.told + more, ExitStatus.DID_NOT_HOLD if failed else ExitStatus.HELD


def _new(summary: Summary) -> Sequence[tuple[Path, int]]:
    return [(Path(path), count) for path, count in summary.files]
