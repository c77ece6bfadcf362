"""`replayer infer`: contracts from cassettes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from replayer.cassette.model import Cassette, Interaction
from replayer.errors import CassetteError, ExitStatus, UsageError, WriteError

__all__ = ["command"]


@click.command("infer")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where openapi.json and asyncapi.json go.  [default: standard output, if it is one document]",
)
@click.option("--title", metavar="TEXT", help="Of the documents.  [default: the names of the paths]")
@click.option("--force", is_flag=True, help="Replace documents that are there.")
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], output: Path | None, title: str | None, force: bool
) -> None:
    """Write the contract that cassettes show: OpenAPI for HTTP, AsyncAPI for WebSocket connections.

    What it writes holds for every message that it was learned from: that is checked before it ends. Use it with
    --contract, and edit it: samples cannot show what a service never said.

    Exit status: 0 written; 1 the sources break what was inferred; 3 nothing to learn from; 4 a cassette is unreadable.
    """
    import orjson

    from replayer.cassette.store import read
    from replayer.cli.verify import cassettes
    from replayer.contract.infer import infer_asyncapi, infer_openapi
    from replayer.contract.samples import Samples

    found: list[tuple[str, Cassette]] = []
    for name, cassette in cassettes(paths, read):
        if not isinstance(cassette, Cassette):
            raise CassetteError(str(cassette))
        found.append((name, cassette))
    samples = Samples().learn(_interactions(found))
    title = title or ", ".join(path.name or str(path) for path in paths)
    written = {
        "openapi.json": infer_openapi(samples, title=title),
        "asyncapi.json": infer_asyncapi(samples, title=title),
    }
    documents = {name: document for name, document in written.items() if document is not None}
    _say(f"{samples.interactions} interactions: {len(samples.operations)} operations, {len(samples.channels)} channels")
    for channel in samples.channels.values():
        if channel.opaque:
            _say(f"left out: {channel.key.path}: {channel.opaque} of its messages are no JSON")
    if not documents:
        _say("nothing to learn from")
        context.exit(int(ExitStatus.NOTHING_CHECKED))
    holds = _holds(found, list(documents.values()))
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    texts = {name: orjson.dumps(document, option=pretty) for name, document in documents.items()}
    if output is None:
        if len(texts) > 1:
            raise UsageError("there are two documents, openapi.json and asyncapi.json: name a folder with -o")
        click.echo(next(iter(texts.values())).decode(), nl=False)
    else:
        _write(output, texts, force=force)
    context.exit(int(ExitStatus.HELD if holds else ExitStatus.DID_NOT_HOLD))


def _interactions(cassettes: list[tuple[str, Cassette]]) -> Iterator[tuple[str, Interaction]]:
    for name, cassette in cassettes:
        for index, interaction in enumerate(cassette.interactions):
            yield f"{name}#{index}", interaction


def _holds(found: list[tuple[str, Cassette]], documents: list[Any]) -> bool:
    """Whether the sources keep what was inferred from them; says so."""
    from replayer.contract.registry import of_documents
    from replayer.contract.verify import verify

    verification = verify(found, of_documents(documents))
    for finding in verification.findings:
        _say(f"{finding.severity}  {finding.pointer or '/'}: expected {finding.expected}, got {finding.actual}")
        _say(f"    {finding.count} times, first at {finding.places[0]}")
    checked = verification.checked
    _say(f"held against {checked.count} messages; {checked.uncovered} have no contract, or could not be judged")
    return not verification.findings


def _write(folder: Path, texts: dict[str, bytes], *, force: bool) -> None:
    there = [str(folder / name) for name in texts if (folder / name).exists()]
    if there and not force:
        raise UsageError(f"{', '.join(there)}: already there; --force replaces what is there")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_bytes(text)
            _say(f"wrote {folder / name}")
    except OSError as error:
        raise WriteError(f"{folder}: {error.strerror or error}") from error


def _say(line: str) -> None:
    click.echo(line, err=True)
