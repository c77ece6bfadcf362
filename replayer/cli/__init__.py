"""The command line: a command a file, each loaded only when it is called.

An error of ours ends with its message on stderr and its status; a traceback is always a defect of ours.
"""

from __future__ import annotations

import importlib
import sys

import click

from replayer import __version__
from replayer.errors import ReplayerError, closest

__all__ = ["main"]

COMMANDS = {
    "convert": "replayer.cli.convert",
    "demo": "replayer.cli.demo",
    "drift": "replayer.cli.drift",
    "infer": "replayer.cli.infer",
    "record": "replayer.cli.record",
    "redact": "replayer.cli.redact",
    "replay": "replayer.cli.replay",
    "scan": "replayer.cli.scan",
    "show": "replayer.cli.show",
    "status": "replayer.cli.status",
    "verify": "replayer.cli.verify",
    "worker": "replayer.cli.worker",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for: `replayer replay` never waits for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            known = ", ".join(sorted(COMMANDS))
            ctx.fail(f"there is no command {args[0]!r}{closest(args[0], COMMANDS)} (there are: {known})")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="replayer %(version)s")
def cli() -> None:
    """Record real exchanges with model providers and workers into cassettes, verify them against contracts,
    and replay them as a mock gateway that dispatches live to a local worker.

    Exit status: 0 held; 1 it did not hold; 2 wrong use; 3 nothing was checked; 4 an input could not be read.
    """


def main() -> None:
    """The console script `replayer`."""
    try:
        cli.main(prog_name="replayer")
    except ReplayerError as error:
        print(f"replayer: {error}", file=sys.stderr)  # noqa: T201 (the one place where an error reaches the user)
        sys.exit(error.exit_status)
