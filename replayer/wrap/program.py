"""What stands behind `--`, and what `--env` says of it. A value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

from replayer.errors import UsageError
from replayer.wrap.environment import Assignment, assignment

__all__ = ["Program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run."""

    command: tuple[str, ...]
    assignments: tuple[Assignment, ...] = ()

    @classmethod
    def of(cls, command: Sequence[str] | None, assignments: Sequence[str], names: Collection[str]) -> Self | None:
        """From the command line; `names` are the upstreams that `--env` can name. UsageError."""
        if command is None:
            if assignments:
                raise UsageError("--env sets variables of a program: give one behind --, such as -- pytest tests")
            return None
        return cls(command=tuple(command), assignments=tuple(assignment(one, names) for one in assignments))
