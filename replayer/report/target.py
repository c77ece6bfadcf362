"""`--report FORMAT[=FILE]`: which report goes where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from replayer.errors import UsageError, closest

if TYPE_CHECKING:
    from replayer.report.report import Report

__all__ = ["Format", "Target", "deliver", "parse"]


class Format(StrEnum):
    """How a report is written; each is a module of this folder with `write`."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One report."""

    format: Format
    file: Path | None = None
    """None: standard output."""


def parse(option: str) -> Target:
    """Read one option. Raises UsageError for a format that there is not."""
    name, equals, file = option.partition("=")
    if name not in set(Format):
        near = closest(name, [str(known) for known in Format])
        raise UsageError(f"--report {name}: there is no such report{near} (there are: {_KNOWN})")
    if equals and not file:
        raise UsageError(f"--report {option}: name the file after =, or leave = out to write to standard output")
    return Target(format=Format(name), file=Path(file) if file else None)


def deliver(report: Report, targets: Sequence[Target], show: Callable[[str], None]) -> None:
    """Write every report; where none goes to standard output, the text does. Raises UsageError for a bad file."""
    shown = [target for target in targets if target.file is None] or [Target(format=Format.TEXT)]
    for target in targets:
        if target.file is not None:
            try:
                target.file.write_text(_written(target, report), encoding="utf-8")
            except OSError as error:
                raise UsageError(f"--report {target.format}={target.file}: {error.strerror or error}") from error
    for target in shown:
        show(_written(target, report))


def _written(target: Target, report: Report) -> str:
    text: str = import_module(f"replayer.report.{target.format}").write(report)
    return text


_KNOWN = ", ".join(Format)
