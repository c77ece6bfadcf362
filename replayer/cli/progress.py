"""Progress of long work: a line on a terminal that says how far it is, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["tracked"]

_T = TypeVar("_T")


def tracked(things: Iterable[_T], description: str) -> Iterator[_T]:
    """The things themselves; while they are worked on, stderr says how many are done, if it is a terminal."""
    if not sys.stderr.isatty():
        yield from things
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=None)
        for thing in things:
            yield thing
            progress.advance(task)
