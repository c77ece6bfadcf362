"""`replayer redact`: take the secrets out of cassettes that are there already."""

from __future__ import annotations

from pathlib import Path

import click

from replayer.cli.redaction import redact_options, redactor_for
from replayer.errors import UsageError

__all__ = ["command"]


@click.command("redact")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write there instead."
)
@redact_options
def command(paths: tuple[Path, ...], output: Path | None, redact: tuple[str, ...], keep: tuple[str, ...]) -> None:
    """Take the secrets out of cassettes, in place: each file is replaced whole or not at all, and one that holds no
    secret is not touched.

    PATH is a cassette, or a directory that is searched for cassettes. A layout stays what it was; comments of a file
    that is written anew are lost. A secret that was published has to be revoked all the same.

    Exit status: 0 done; 2 wrong use; 3 there was no cassette; 4 a file could not be read or written.
    """
    from replayer.inputs import cassette_files
    from replayer.rewrite import redact_file

    files = [file for path in paths for _, file in cassette_files(path)]
    if output is not None and len(files) != 1:
        raise UsageError(f"--output is for one cassette, and these are {len(files)}: leave it out, or name one file")
    for file in files:
        changed, of = redact_file(file, output or file, redactor_for(file, redact, keep))
        told = f"{changed} of {of} interactions redacted" if changed else f"nothing to redact in {of} interactions"
        click.echo(f"{output or file}: {told}")
    if not files:
        raise click.exceptions.Exit(3)
