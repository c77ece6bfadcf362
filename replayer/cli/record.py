"""`replayer record`: record real exchanges into a cassette."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click

from replayer.errors import ExitStatus, UsageError
from replayer.record.environment import confdir, set_up
from replayer.record.launch import Recorder, recorder
from replayer.record.messages import Exchanged, Message, Notice, Summary
from replayer.record.settings import MAX_BODY, Settings
from replayer.record.upstreams import listeners, parse

__all__ = ["command"]


@click.command()
@click.option("--upstream", "upstreams", multiple=True, metavar="NAME=URL[@PORT]", help="A server to record; repeat.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The cassette.")
@click.option(
    "--record-mode",
    type=click.Choice(["all", "new_episodes", "once", "none", "rewrite"]),
    default="new_episodes",
    show_default=True,
    help="new_episodes plays what the file holds and adds what is missing; all adds everything; rewrite replaces.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any free port.")
@click.option("--layout", type=click.Choice(["block", "flow", "json"]), help="Of the finished file (default by size).")
@click.option("--max-body", type=click.IntRange(0), default=MAX_BODY, show_default=True, help="Bytes stored of a body.")
@click.option("--setup", is_flag=True, help="Make the recorder's own environment (mitmproxy in it), and end.")
def command(
    upstreams: tuple[str, ...],
    output: Path | None,
    record_mode: str,
    host: str,
    port: int,
    layout: str | None,
    max_body: int,
    setup: bool,
) -> None:
    """Record what clients and real servers say to each other: HTTP, SSE and WebSocket.

    Point the client to the address that is printed; SIGINT ends the recording. Several upstreams are reached under
    /NAME/ each, a single one without a prefix.

    Exit status: 0 recorded; 2 wrong use, or the recorder was lost; 3 no request came; 4 the file cannot be read.
    """
    if setup:
        _say(f"the recorder's environment is ready: {set_up(os.environ)}")
        return
    if output is None:
        raise UsageError("say where to record to: -o FILE")
    if record_mode in ("new_episodes", "once", "none"):
        sys.exit(_behind_a_gateway(upstreams, output, record_mode, host, port, layout, max_body))
    settings = Settings(
        output=output.absolute(),
        upstreams=tuple(parse(text) for text in upstreams),
        confdir=confdir(os.environ),
        host=host,
        port=port,
        rewrite=record_mode == "rewrite",
        layout=layout,
        max_body=max_body,
        trusted_ca=os.environ.get("SSL_CERT_FILE") or None,
    )
    listeners(settings.upstreams, port)  # a mistake in them is told before a process is started
    summary = asyncio.run(_record(settings))
    _say(_told(summary))
    if not summary.requests and not summary.recovered:
        sys.exit(ExitStatus.NOTHING_CHECKED)


def _behind_a_gateway(
    upstreams: tuple[str, ...],
    output: Path,
    record_mode: str,
    host: str,
    port: int,
    layout: str | None,
    max_body: int,
) -> ExitStatus:
    """Modes in which something is played: the gateway stands in front, and the recorder behind it."""
    from replayer.cli.replay import play
    from replayer.cli.sources import doors, source_of
    from replayer.service import Options

    asked = source_of(
        (str(output),) if output.exists() else (),
        mode=record_mode,
        spy=False,
        passthrough=False,
        upstreams=upstreams if record_mode != "none" else (),
        output=output if record_mode != "none" else None,
        allow_faults=False,
        layout=layout,
        max_body=max_body,
    )
    listening = doors(
        also=(), upstreams=asked.source.upstreams, tls=None, tls_port=0, proxy=False, proxy_port=0, socket=None
    )
    token = os.environ.get("REPLAYER_TOKEN") or None
    options = Options(host=host, port=port, seed=0, token=token, source=asked.source, doors=listening)
    return play(asked, asked.load(), options, frozenset())


async def _record(settings: Settings) -> Summary:
    asked = _Asked()  # before anything is printed: whoever reads the address may send a signal at once
    async with recorder(settings, hear=_hear) as running:
        for listener in running.listeners:
            click.echo(f"listening on {listener}")
        sys.stdout.flush()
        for name, base in running.names.items():
            _say(f"{name}: {base}")
        asked.of(running)
        return await running.wait()


class _Asked:
    """SIGINT and SIGTERM: the first one ends the recording, a second one at once. Needs the running loop."""

    def __init__(self) -> None:
        self._times = 0
        self._running: Recorder | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask)

    def of(self, running: Recorder) -> None:
        """From now on there is a recorder to end; perhaps it was asked for already."""
        self._running = running
        if self._times:
            running.stop()

    def _ask(self) -> None:
        self._times += 1
        if self._running is not None:
            if self._times == 1:
                self._running.stop()
            else:
                self._running.kill()


def _hear(message: Message) -> None:
    match message:
        case Notice():
            _say(message.text)
        case Exchanged() if sys.stderr.isatty():
            _say(_line(message))


def _line(one: Exchanged) -> str:
    """A live line: method, URI without its query, status, duration, size, and how it ended if not well."""
    what = f"{one.frames} frames, {one.bytes:,} bytes" if one.frames else f"{one.bytes:,} bytes"
    ended = "" if one.end == "complete" else f" [{one.end}]"
    return f"{one.upstream}  {one.method} {one.uri.partition('?')[0]}  {one.status}  {one.ms:,.0f} ms  {what}{ended}"


def _told(summary: Summary) -> str:
    if not summary.file:
        came = f"{summary.requests} request(s) came, none was answered" if summary.requests else "no request came"
        return f"nothing was recorded: {came}; no file was written"
    recovered = f", {summary.recovered} recovered from an interrupted run" if summary.recovered else ""
    return (
        f"recorded {summary.exchanges} exchange(s) ({summary.connections} WebSocket, {summary.frames} frames), "
        f"{summary.bytes:,} bytes, {summary.redacted} secret(s) redacted in bodies and frames{recovered}: "
        f"{summary.file}"
    )


def _say(text: str) -> None:
    with suppress(BrokenPipeError):
        click.echo(f"replayer: {text}", err=True)
