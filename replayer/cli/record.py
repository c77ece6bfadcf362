"""`replayer record`: record real exchanges into a cassette."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from replayer.cli.aftermath import DEFAULT_FAIL_ON, FAIL_ON, failing, judged
from replayer.cli.console import Console, LogFormat
from replayer.cli.recording import record
from replayer.cli.redaction import config_of, redact_options
from replayer.cli.wrapping import WrappingCommand
from replayer.errors import ExitStatus, UsageError
from replayer.record.environment import confdir, set_up
from replayer.record.hosts import HostRules
from replayer.record.hosts import split as hosts_of
from replayer.record.naming import Split
from replayer.record.settings import MAX_BODY, Settings
from replayer.record.upstreams import Way, listeners, parse, proxy_address
from replayer.redact.configured import redactor_of
from replayer.source import Mode
from replayer.wrap.program import Program

__all__ = ["command"]

_HOSTS = "HOST,…"


@click.command("record", cls=WrappingCommand)
@click.option("--upstream", "upstreams", multiple=True, metavar="NAME=URL[@PORT]", help="A server to record; repeat.")
@click.option("--forward", is_flag=True, help="Be a forward proxy (HTTPS_PROXY), and record every host.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The cassette, or a folder.")
@click.option("--split", type=click.Choice([one.value for one in Split]), help="A file in a folder for each of these.")
@click.option(
    "--record-mode",
    type=click.Choice(["all", "new_episodes", "once", "none", "rewrite"]),
    default=None,
    help="new_episodes plays what the file holds and adds what is missing; all adds everything; rewrite replaces.  "
    "[default: new_episodes; all with --split, or rules about hosts]",
)
@click.option("--allow-hosts", multiple=True, metavar=_HOSTS, help="Record these only; others pass through.")
@click.option("--ignore-hosts", multiple=True, metavar=_HOSTS, help="These pass through unrecorded.")
@click.option("--block-hosts", multiple=True, metavar=_HOSTS, help="Requests to these are refused with 403.")
@click.option("--via", metavar="URL", help="A proxy through which upstreams are reached.")
@click.option("--env", "assignments", multiple=True, metavar="VAR=NAME", help="Of COMMAND: VAR is NAME's base URL.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any free port.")
@click.option("--layout", type=click.Choice(["block", "flow", "json"]), help="Of the finished file (default by size).")
@click.option("--max-body", type=click.IntRange(0), default=MAX_BODY, show_default=True, help="Bytes stored of a body.")
@click.option(
    "--fail-on",
    default=DEFAULT_FAIL_ON,
    show_default=True,
    metavar="LIST",
    help=f"What in the recording ends the run with 1: {', '.join(FAIL_ON)}; or none.",
)
@redact_options
@click.option(
    "--log-format",
    type=click.Choice([one.value for one in LogFormat]),
    default=LogFormat.TEXT.value,
    show_default=True,
    help="Of what is said on stderr.",
)
@click.option("--setup", is_flag=True, help="Make the recorder's own environment (mitmproxy in it), and end.")
def command(
    upstreams: tuple[str, ...],
    forward: bool,
    output: Path | None,
    record_mode: str | None,
    allow_hosts: tuple[str, ...],
    ignore_hosts: tuple[str, ...],
    block_hosts: tuple[str, ...],
    via: str | None,
    assignments: tuple[str, ...],
    host: str,
    port: int,
    layout: str | None,
    max_body: int,
    split: str | None,
    fail_on: str,
    redact: tuple[str, ...],
    keep: tuple[str, ...],
    log_format: str,
    setup: bool,
    wrapped: tuple[str, ...] | None,
) -> None:
    """Record what clients and real servers say to each other: HTTP, SSE and WebSocket.

    Point the client to the address that is printed; SIGINT ends the recording. Several upstreams are reached under
    /NAME/ each, a single one without a prefix. Behind -- stands a program to run: it gets the environment that its
    clients need, and the recording ends with it.

    After a signal the summary comes within two seconds: what scan, verify and the layout had no time for, it names.

    Exit status: 0 recorded; 2 wrong use, or the recorder was lost; 3 no request came; 4 the file cannot be read. A
    program's own failure passes through.
    """
    console = Console(LogFormat(log_format))
    if setup:
        console.say(f"the recorder's environment is ready: {set_up(os.environ)}")
        return
    if output is None:
        raise UsageError("say where to record to: -o FILE")
    reasons = failing(fail_on)
    if split is None and output.is_dir():
        raise UsageError(f"{output} is a folder: say by what it is split into files, --split host|path|session")
    if split is not None and output.is_file():
        raise UsageError(f"{output} is a file: --split needs a folder")
    config = config_of(output / "x" if split else output, redact, keep)
    redactor = redactor_of(config, os.environ)  # a mistake in it is told before a process is started
    settings = Settings(
        output=output.absolute(),
        upstreams=tuple(parse(text) for text in upstreams),
        confdir=confdir(os.environ),
        way=Way.FORWARD if forward else Way.REVERSE,
        hosts=HostRules(
            allow=hosts_of("--allow-hosts", allow_hosts),
            ignore=hosts_of("--ignore-hosts", ignore_hosts),
            block=hosts_of("--block-hosts", block_hosts),
        ),
        via=None if via is None else proxy_address(via, "--via"),
        host=host,
        port=port,
        rewrite=record_mode == "rewrite",
        renew=record_mode in ("all", None),  # of the recorder alone; where a gateway plays too, nothing is renewed
        layout=layout,
        max_body=max_body,
        split=split,
        redact=config,
        trusted_ca=os.environ.get("SSL_CERT_FILE") or None,
    )
    alone = split is not None or settings.hosts != HostRules()
    mode = Mode(record_mode or ("all" if alone else "new_episodes"))
    if alone and mode not in (Mode.ALL, Mode.REWRITE):
        raise UsageError(
            f"--record-mode {mode} plays what is known; --split and rules about hosts are for the recorder alone: "
            "leave them out, or take --record-mode all"
        )
    listeners(settings.upstreams, port, settings.way)  # a mistake in them is told before a process is started
    names = [] if forward else [upstream.name for upstream in settings.upstreams]
    program = Program.of(wrapped, assignments, names)
    if mode in (Mode.ALL, Mode.REWRITE):
        summary, status, asked_at = asyncio.run(record(settings, console, program))
        came = summary.requests
    else:
        from replayer.cli.fronted import behind_a_gateway  # a recorder alone needs nothing of the gateway

        played = behind_a_gateway(settings, mode, console, program)
        came, status = played.run.summary().requests, played.status
        if played.recorded is None:  # it plays only
            sys.exit(status or (ExitStatus.HELD if came else ExitStatus.NOTHING_CHECKED))
        summary, asked_at = played.recorded, played.asked_at
    judgement = judged(summary, redactor, reasons, asked_at=asked_at)
    if summary.requests or summary.recovered or not came:
        console.summary(summary, judgement)
    if not status and not came and not summary.recovered:
        status = ExitStatus.NOTHING_CHECKED
    status = status or judgement.status
    if asked_at is not None:
        _leave(status)
    sys.exit(status)


def _leave(status: int) -> NoReturn:
    """End at once: to free what could be played, interaction by interaction, takes long, and somebody waits."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)
