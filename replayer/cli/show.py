"""`replayer show`: what is in cassettes, as a table, or one interaction in full.

The rule: it shows what is in the file and nothing of its own making; numbers are those that misses, reports and
`Replayer-Interaction` use, from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import orjson

from replayer.cassette.model import Cassette, End, Interaction
from replayer.cli.show_jobs import job_list, job_page
from replayer.errors import UsageError
from replayer.inputs import NamedCassette, load
from replayer.report.interaction import as_json as in_full
from replayer.report.interaction import kind_of, told

__all__ = ["command"]

_COLUMNS = ("n", "method", "path", "status", "kind", "bytes", "pieces", "at")
_RIGHT = frozenset({"n", "status", "bytes", "pieces", "at"})
_WIDEST = 60


@click.command("show")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(exists=False, path_type=Path))
@click.option("--interaction", "-n", "number", type=click.IntRange(0), help="Show this one in full (from 0).")
@click.option("--jobs", is_flag=True, help="The jobs in workers' connections, and the request that caused each.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def command(paths: tuple[Path, ...], number: int | None, jobs: bool, as_json: bool) -> None:
    """Show what is recorded in cassettes: a line an interaction, or one of them in full.

    A PATH is a cassette or a directory of them. `pieces` are the chunks of a body or the frames of a connection, `at`
    is milliseconds since the file's first request.
    """
    cassettes = load([str(path) for path in paths]).cassettes
    if jobs:
        if as_json:
            click.echo(_dumped([job_list(name, cassette) for name, cassette in cassettes]))
            return
        for name, cassette in cassettes:
            click.echo("\n".join(job_page(name, cassette)))
    elif number is not None:
        name, cassette = _only(cassettes)
        interaction = _numbered(cassette, name, number)
        click.echo(
            _dumped({**_row(interaction, number), **in_full(interaction)})
            if as_json
            else "\n".join(told(interaction, number))
        )
    elif as_json:
        click.echo(_dumped([_listed(name, cassette) for name, cassette in cassettes]))
    else:
        for name, cassette in cassettes:
            click.echo("\n".join(_page(name, cassette)))


def _only(cassettes: tuple[NamedCassette, ...]) -> NamedCassette:
    if len(cassettes) != 1:
        raise UsageError(f"--interaction shows one of one cassette, and these are {len(cassettes)}: name one file")
    return cassettes[0]


def _numbered(cassette: Cassette, name: str, number: int) -> Interaction:
    if number >= len(cassette.interactions):
        raise UsageError(f"{name} has {len(cassette.interactions)} interactions, from 0: there is no {number}")
    return cassette.interactions[number]


# One line an interaction


def _row(interaction: Interaction, number: int) -> dict[str, Any]:
    """One interaction in a line; the names are the table's columns and the keys of --json."""
    request, response = interaction.request, interaction.response
    parts = urlsplit(request.uri)
    frames = response.frames
    size = len(response.body) if frames is None else sum(len(frame.text.encode()) + len(frame.data) for frame in frames)
    return {
        "n": number,
        "method": request.method,
        "host": parts.netloc,
        "path": parts.path + (f"?{parts.query}" if parts.query else ""),
        "status": response.status,
        "kind": kind_of(interaction),
        "bytes": size,
        "pieces": len(response.chunks) if frames is None else len(frames),
        "at": response.at,
        "end": response.end.value,
    }


def _page(name: str, cassette: Cassette) -> Iterator[str]:
    origin = f", {cassette.metadata.origin}" if cassette.metadata else ""
    at = f" {cassette.metadata.recorded_at}" if cassette.metadata and cassette.metadata.recorded_at else ""
    yield f"{name}: {len(cassette.interactions)} interactions{origin}{at}"
    for problem in cassette.problems:
        place = "" if problem.index is None else f" entry {problem.index}:"
        yield f"  warning:{place} {problem.message}"
    rows = [_row(interaction, number) for number, interaction in enumerate(cassette.interactions)]
    cells = [{column: _cell(row, column) for column in _COLUMNS} for row in rows]
    widths = {column: max([len(column), *(len(cell[column]) for cell in cells)]) for column in _COLUMNS}
    if cells:
        yield _line(dict(zip(_COLUMNS, _COLUMNS, strict=True)), widths)
    for cell in cells:
        yield _line(cell, widths)


def _line(cell: dict[str, str], widths: dict[str, int]) -> str:
    aligned = (
        cell[name].rjust(widths[name]) if name in _RIGHT else cell[name].ljust(widths[name]) for name in _COLUMNS
    )
    return ("  " + "  ".join(aligned)).rstrip()


def _cell(row: dict[str, Any], column: str) -> str:
    value = row[column]
    if column == "kind" and row["end"] != End.COMPLETE:
        return f"{value} ({row['end']})"
    if value is None:
        return "-"
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


# JSON


def _listed(name: str, cassette: Cassette) -> dict[str, Any]:
    return {
        "cassette": name,
        "origin": cassette.metadata.origin.value if cassette.metadata else None,
        "problems": [{"index": problem.index, "message": problem.message} for problem in cassette.problems],
        "interactions": [_row(interaction, number) for number, interaction in enumerate(cassette.interactions)],
    }


def _dumped(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
