"""Every check by its name, in the order of the run, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from replayer.errors import UsageError, closest
from replayer.worker.check.answering import ANSWERING, task_check
from replayer.worker.check.arriving import ARRIVING
from replayer.worker.check.check import Check
from replayer.worker.check.enduring import ENDURING
from replayer.worker.check.leaving import LEAVING
from replayer.worker.check.losing import LOSING
from replayer.worker.check.observed import OBSERVED
from replayer.worker.check.payloads import TASKS, payload_for
from replayer.worker.check.sizes import SIZES

__all__ = ["catalogue", "choose", "payloads_of"]


def payloads_of(tasks: Sequence[str], own: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """What to ask for: the named tasks and the user's own payloads, or every known task where neither is given."""
    named = tuple(payload_for(task) for task in tasks)
    return (*own, *named) or tuple(payload_for(task) for task in TASKS)


def catalogue(payloads: Sequence[Mapping[str, Any]], *, promised: bool) -> tuple[Check, ...]:
    """All checks. `promised`: the worker is said to do what `payloads` ask for."""
    tasks = tuple(task_check(payload, promised=promised) for payload in payloads)
    return (*ARRIVING, *tasks, *ANSWERING, *SIZES, *ENDURING, *LOSING, *LEAVING, *OBSERVED)


def choose(checks: Sequence[Check], *, only: Iterable[str], skip: Iterable[str]) -> tuple[Check, ...]:
    """The checks whose names match `only` (all where it is empty) and not `skip`; `*` stands for anything.

    Raises UsageError for a pattern that no check matches.
    """
    only, skip = tuple(only), tuple(skip)
    names = [check.name for check in checks]
    for option, patterns in (("--only", only), ("--skip", skip)):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise UsageError(
                    f"{option} {pattern}: there is no such check{closest(pattern, names)} (--list shows them)"
                )
    return tuple(
        check
        for check in checks
        if (not only or any(fnmatchcase(check.name, pattern) for pattern in only))
        and not any(fnmatchcase(check.name, pattern) for pattern in skip)
    )
