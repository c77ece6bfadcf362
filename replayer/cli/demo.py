"""`replayer demo`: the whole way once, told as a page."""

from __future__ import annotations

import asyncio
import shutil
import sys
from contextlib import aclosing
from pathlib import Path

import click

from replayer.demo.story import Step, tell
from replayer.errors import ExitStatus, UsageError

__all__ = ["command"]

MADE_HERE = ("provider.yaml", "worker.yaml")
STEPS = 5


@click.command("demo")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("replayer-demo"),
    show_default=True,
    help="Where its cassettes are left. The demo's own files of an earlier run are replaced.",
)
def command(folder: Path) -> None:
    """Record from a stand-in provider on loopback and from a worker's connection, verify what was recorded, replay it
    with a live worker, and inject faults: everything on real sockets, nothing outside this machine.

    Ends with 0 only if every step held, else with 1.
    """
    _prepare(folder)
    click.echo("replayer demo: record, verify, replay with a live worker, inject faults\n")
    held = asyncio.run(_tell(folder))
    click.echo(f"The cassettes are in {folder}/ ({', '.join(MADE_HERE)}).")
    click.echo(f"Go on from here: replayer replay casola {folder}")
    if not held:
        click.secho("A step did not hold: see the ✗ above.", fg="red")
        sys.exit(ExitStatus.DID_NOT_HOLD)


async def _tell(folder: Path) -> bool:
    held = True
    number = 0
    _progress(1)
    async with aclosing(tell(folder)) as steps:
        async for step in steps:
            number += 1
            _clear_progress()
            held = _print(number, step) and held
            if number < STEPS:
                _progress(number + 1)
    return held


def _print(number: int, step: Step) -> bool:
    click.secho(f"{number}. {step.title}", bold=True)
    for check in step.checks:
        mark = click.style("✓", fg="green") if check.held else click.style("✗", fg="red")
        click.echo(f"   {mark} {check.claim}")
    for line in step.output.splitlines():
        click.echo(f"     {line}")
    click.echo()
    return all(check.held for check in step.checks)


def _progress(number: int) -> None:
    if sys.stdout.isatty():
        click.echo(f"step {number} of {STEPS} …", nl=False)


def _clear_progress() -> None:
    if sys.stdout.isatty():
        click.echo("\r" + " " * shutil.get_terminal_size().columns + "\r", nl=False)


def _prepare(folder: Path) -> None:
    """An empty place for the demo's files. Raises UsageError where the folder holds something else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in folder.iterdir() if not path.name.startswith(MADE_HERE))
        if strangers:
            raise UsageError(f"{folder} holds {strangers[0]!r}, which is not the demo's; name another with --folder")
        for path in folder.iterdir():
            path.unlink()
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; name another folder with --folder") from error
