"""`replayer verify`: cassettes held against their contracts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from replayer.cassette.model import Cassette
from replayer.contract.violation import Severity
from replayer.errors import CassetteError, UnreadableError

__all__ = ["cassettes", "command"]

Read = Callable[[Path], Cassette]

_SUFFIXES = (".yaml", ".yml", ".json")
_HEAD = 65_536
"""Bytes in which a cassette shows that it is one."""


@click.command("verify")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--contract",
    "contracts",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An OpenAPI, AsyncAPI or JSON Schema document of your own; may be given again.",
)
@click.option(
    "--fail-on",
    type=click.Choice([str(severity) for severity in Severity]),
    default=str(Severity.ERROR),
    show_default=True,
    help="The mildest violation that ends the run with 1.",
)
@click.option(
    "--report",
    "reports",
    metavar="text|json|junit|html[=FILE]",
    multiple=True,
    help="How to report, and into which file; may be given again.  [default: text]",
)
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], contracts: tuple[Path, ...], fail_on: str, reports: tuple[str, ...]
) -> None:
    """Check every request, response, stream event and WebSocket frame of cassettes against their contracts.

    PATH is a cassette, or a directory that is searched for cassettes.

    Exit status: 0 everything holds; 1 a violation; 2 wrong use; 3 nothing was checked; 4 an input could not be read.
    """
    from replayer.cassette.store import read
    from replayer.cli.progress import tracked
    from replayer.contract.registry import Detail, load
    from replayer.contract.verify import verify
    from replayer.redact.redactor import Redactor
    from replayer.report.target import deliver, parse
    from replayer.report.verified import report_of

    targets = [parse(report) for report in reports]
    contract = load((*contracts, *_configured(paths)), Detail.UNKNOWN_FIELDS)
    verification = verify(tracked(cassettes(paths, read), "verifying"), contract)
    report = report_of(verification, Severity(fail_on), show=Redactor.default(os.environ).text)
    deliver(report, targets, lambda text: click.echo(text, nl=False))
    context.exit(int(report.status))


def _configured(paths: Sequence[Path]) -> Iterator[Path]:
    """The contracts that the directories' own configurations name."""
    from replayer.config import load_directory

    for path in paths:
        config = load_directory(path) if path.is_dir() else None
        if config is not None:
            yield from (path / name for name in config.contract)


def cassettes(paths: Sequence[Path], read: Read) -> Iterator[tuple[str, Cassette | UnreadableError]]:
    """Each cassette at or below `paths`, by its name, or the error that reading it ended with."""
    for path in paths:
        for file in _below(path) if path.is_dir() else [path]:
            try:
                yield str(file), read(file)
            except UnreadableError as error:
                yield str(file), error
            except OSError as error:
                yield str(file), CassetteError(f"{file}: {error.strerror or error}")


def _below(folder: Path) -> Iterator[Path]:
    """The cassettes in a directory; other YAML and JSON files live there too, and are nobody's mistake."""
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in _SUFFIXES and file.is_file() and _looks_like_one(file):
            yield file


def _looks_like_one(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return True  # reading it in earnest says what is wrong
    return b"interactions" in head or head.lstrip().startswith((b"# replayer flow", b"- request"))
