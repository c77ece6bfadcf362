"""`replayer drift`: what a service says now, held against what was recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from replayer.cassette.model import Cassette, Interaction, Metadata, Origin
from replayer.cli.live import Source
from replayer.contract.drift import Named
from replayer.contract.violation import Severity
from replayer.errors import CassetteError, UsageError

__all__ = ["command"]


@click.command("drift")
@click.argument("paths", metavar="OLD NEW | PATH", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--live", is_flag=True, help="Send the recorded requests again, and compare with what is answered now.")
@click.option(
    "--upstream",
    "upstreams",
    metavar="NAME=URL",
    multiple=True,
    help="With --live: where the upstream (or host) NAME is now; its credential is NAME_API_KEY. May be given again.",
)
@click.option("--yes", is_flag=True, help="With --live: send without asking.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="With --live: send no more requests than this.")
@click.option(
    "--rate",
    metavar="PER_SECOND",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    help="With --live: how fast.",
)
@click.option(
    "--update",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --live: write the new answers to this cassette.",
)
@click.option(
    "--fail-on",
    type=click.Choice([str(severity) for severity in Severity]),
    default=str(Severity.ERROR),
    show_default=True,
    help="The mildest change that ends the run with 1.",
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
    context: click.Context,
    paths: tuple[Path, ...],
    live: bool,
    upstreams: tuple[str, ...],
    yes: bool,
    limit: int | None,
    rate: float,
    update: Path | None,
    fail_on: str,
    reports: tuple[str, ...],
) -> None:
    """Compare the structure of answers, not their values: OLD against NEW, or PATH against the service itself.

    A field added is info; a field removed is a warning; a type, an enumeration, a status, a content type or the order
    of a stream's events changed is an error.

    Exit status: 0 no drift; 1 drift; 2 wrong use; 3 nothing could be compared; 4 a cassette could not be read.
    """
    from replayer.contract.drift import drift
    from replayer.report.drifted import report_of
    from replayer.report.target import deliver, parse

    targets = [parse(report) for report in reports]
    if live:
        old, new, left_out = _live(paths, upstreams, yes=yes, limit=limit, rate=rate, update=update)
    else:
        if len(paths) != 2:
            raise UsageError("two are compared, OLD and NEW; or PATH with --live, to ask the service itself")
        if upstreams or yes or limit is not None or update is not None:
            raise UsageError("--upstream, --yes, --limit and --update go with --live")
        old, new = ([(where, found) for where, found, _ in _read([path])] for path in paths)
        left_out = []
    report = report_of(drift(old, new), Severity(fail_on), left_out=left_out)
    deliver(report, targets, lambda text: click.echo(text, nl=False))
    context.exit(int(report.status))


def _live(
    paths: Sequence[Path],
    upstreams: Sequence[str],
    *,
    yes: bool,
    limit: int | None,
    rate: float,
    update: Path | None,
) -> tuple[list[Named], list[Named], list[tuple[str, str]]]:
    from replayer.cli.live import ask_again, confirm, plan
    from replayer.record.upstreams import parse

    named = {found.name: found.url for found in map(parse, upstreams)}
    sources = _read(paths)
    if update is not None and len({where.rpartition("#")[0] for where, _, _ in sources}) > 1:
        raise UsageError("--update writes one cassette: name one as PATH")
    found = plan(sources, named, limit=limit)
    confirm(found, yes=yes, say=_say)
    asked = ask_again(found, rate=rate, progress=_progress(len(found.requests)))
    if update is not None and asked.new:
        _update(update, sources, dict(asked.new))
    return asked.old, asked.new, asked.left_out


def _read(paths: Sequence[Path]) -> list[Source]:
    """Every interaction at or below `paths`. Raises CassetteError for the first cassette that cannot be read."""
    from replayer.cassette.store import read
    from replayer.cli.verify import cassettes

    found: list[Source] = []
    for name, cassette in cassettes(paths, read):
        if not isinstance(cassette, Cassette):
            raise CassetteError(str(cassette))
        found += [
            (f"{name}#{index}", interaction, cassette.metadata)
            for index, interaction in enumerate(cassette.interactions)
        ]
    return found


def _update(file: Path, sources: Sequence[Source], new: Mapping[str, Interaction]) -> None:
    """Write a cassette with the new answers, and what was recorded where there is none."""
    from replayer import __version__
    from replayer.cassette.codec import Layout
    from replayer.cassette.store import write
    from replayer.clock import SystemClock, timestamp

    metadata = sources[0][2]
    told = Metadata(
        origin=Origin.RECORDED,
        recorded_at=timestamp(SystemClock().now()),
        tool=f"replayer {__version__}",
        upstreams=metadata.upstreams if metadata is not None else {},
    )
    interactions = tuple(new.get(where, recorded) for where, recorded, _ in sources)
    write(file, Cassette(interactions=interactions, metadata=told), layout=Layout.BLOCK)
    _say(f"wrote {file}: {len(new)} of {len(interactions)} answers are new")


def _progress(total: int) -> Callable[[int], None]:
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda count: click.echo(f"\r{count}/{total}", nl=count == total, err=True)


def _say(line: str) -> None:
    click.echo(line, err=True)
