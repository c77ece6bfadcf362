"""`replayer convert`: a cassette in another layout."""

from __future__ import annotations

from pathlib import Path

import click

from replayer.errors import UsageError

__all__ = ["command"]


@click.command("convert")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write there, not in place."
)
@click.option(
    "--layout",
    type=click.Choice(["block", "flow", "json"]),
    help="The wanted layout.  [default: by the output's suffix, .json or not; else block]",
)
def command(source: Path, output: Path | None, layout: str | None) -> None:
    """Write a cassette in another layout, without loss: block (YAML for reading), flow (YAML, an interaction a line,
    for loading fast) or json (for vcrpy's JSON serializer).

    Each interaction is read back and compared before the new file takes its place; of a flow file no more than one is
    in memory. A body that is no text stands as base64 in JSON,
    which replayer reads and vcrpy does not play.

    Exit status: 0 done; 2 wrong use; 4 the file could not be read or written, or would lose something.
    """
    from replayer.cassette.codec import Layout
    from replayer.rewrite import convert_file

    target = output or source
    wanted = Layout(layout) if layout else Layout.JSON if target.suffix.lower() == ".json" else Layout.BLOCK
    if (wanted is Layout.JSON) != (target.suffix.lower() == ".json"):
        raise UsageError(
            f"{target}: a file in the layout {wanted} is named {'*.json' if wanted is Layout.JSON else '*.yaml'}, "
            f"so that vcrpy knows its serializer: give --output"
        )
    count = convert_file(source, target, wanted)
    click.echo(f"{target}: {count} interaction(s), {wanted}")
