"""A check: one named question to a worker, and what came of it.

A check is a coroutine over a `Bench` that returns where all is well, and raises `Broken` or `Skipped` with one sentence
that says why where it is not. Knows no sockets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replayer.worker.check.bench import Bench

__all__ = ["Broken", "Check", "Kind", "Outcome", "Skipped", "Verdict"]


class Kind(StrEnum):
    """What a failed check says."""

    MUST = "must"
    """The protocol says so; the run fails."""
    ADVICE = "advice"
    """The protocol leaves it open; a queue and its users are better off with it."""


class Broken(Exception):
    """The check failed; the text says what was seen, and what was expected."""


class Skipped(Exception):
    """The check could not be made; the text says what it would take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question. Its name is stable: `--only` and `--skip` take it, and reports show it."""

    name: str
    kind: Kind
    rule: str
    """The sentence of the protocol that it holds the worker to, or the advice."""
    ask: Callable[[Bench], Awaitable[None]]


class Verdict(StrEnum):
    """What came of a check."""

    HELD = "held"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one check."""

    check: Check
    verdict: Verdict
    why: str = ""
    seconds: float
