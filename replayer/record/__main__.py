"""The recorder process: `python -m replayer.record`. Settings come as one line on stdin, messages go to stdout.

The end of stdin is the word to stop, whether the parent says it or is gone: then what is finished is already in the
file, what is open is written too, and the file gets its layout. This module is the wiring of that process, so it alone
hands the recording its cassette.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from mitmproxy.net import server_spec

from replayer import __version__
from replayer.cassette import store
from replayer.cassette.codec import Layout
from replayer.cassette.folder import LOCK, FileWriter, FolderWriter
from replayer.cassette.model import Interaction, Metadata, Origin
from replayer.clock import Clock, SystemClock, timestamp
from replayer.errors import ExitStatus, ReplayerError
from replayer.match.again import again
from replayer.record.addon import RecordAddon
from replayer.record.messages import Failed, Message, Notice, Ready, Standing, Summary, encode
from replayer.record.naming import Split, file_name
from replayer.record.proxy import running
from replayer.record.recording import Recording, recover
from replayer.record.settings import Settings
from replayer.record.stopping import Stop
from replayer.record.upstreams import Listener, listeners
from replayer.record.ways import Ways
from replayer.redact.configured import redactor_of
from replayer.redact.redactor import Redactor

TICK = 0.05
"""Seconds between two looks at what has to go to the spool."""

Tell = Callable[[Message], None]


def main() -> NoReturn:
    """Record until stdin ends; the exit status is the error's, or 0."""
    tell = _teller(os.dup(sys.stdout.fileno()))
    # Whatever a library prints must not look like a message of ours.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        with open(0, "rb", buffering=0, closefd=False) as stdin:  # unbuffered: the loop reads on where this stops
            settings = Settings.from_line(stdin.readline())
        asyncio.run(_record(settings, tell))
    except ValueError as error:
        tell(Failed(text=str(error), status=ExitStatus.WRONG_USE))
        sys.exit(ExitStatus.WRONG_USE)
    except ReplayerError as error:
        tell(Failed(text=str(error), status=error.exit_status))
        sys.exit(error.exit_status)
    sys.exit(ExitStatus.HELD)


async def _record(settings: Settings, tell: Tell) -> None:
    clock = SystemClock()
    stop = Stop(clock)
    errors: list[ReplayerError] = []

    def failed(error: ReplayerError) -> None:
        errors.append(error)
        stop.asked.set()

    redactor = redactor_of(settings.redact, os.environ)
    every = listeners(settings.upstreams, settings.port, settings.way)
    metadata = _metadata(settings, clock, redactor)
    recovered = _recovered(settings, metadata, tell)
    mode = store.AppendMode.RENEW if settings.renew else store.AppendMode.CONTINUE
    mode = store.AppendMode.REWRITE if settings.rewrite else mode
    writer = _writer(settings, metadata, mode)
    try:
        recording = Recording(
            path=_spooled(settings),
            writer=writer,
            latest=writer.latest,
            redactor=redactor,
            clock=clock,
            tell=tell,
            max_body=settings.max_body,
        )
        via = server_spec.parse(settings.via, default_scheme="http") if settings.via else None
        ways = Ways(every, recording, hosts=settings.hosts, via=via)
        addon = RecordAddon(recording, failed)
        async with (
            running(
                ways,
                addon,
                every,
                host=settings.host,
                confdir=settings.confdir,
                trusted_ca=settings.trusted_ca,
                hosts=settings.hosts,
                via=settings.via,
                tell=lambda text: tell(Notice(text=redactor.text(text))),
            ) as proxy,
            asyncio.TaskGroup() as group,
        ):
            tell(_ready(settings.host, every, proxy.ports))
            ticking = group.create_task(_tick(recording, failed))
            stop.listen(lambda relay: tell(Standing(relay=relay, under_way=recording.under_way(relay))))
            await stop.asked.wait()
            ticking.cancel()
            await proxy.stop_listening()
            summary = _closed(recording, failed)
        if errors or summary is None:
            raise errors[0]
        files = writer.close(Layout(settings.layout) if settings.layout else None, stop.late)
        file = str(settings.output) if summary.file or recovered else ""
        left = writer.left_in_flow
        tell(dataclasses.replace(summary, recovered=recovered, file=file, files=files, left_in_flow=left))
    finally:
        writer.abandon()


def _recovered(settings: Settings, metadata: Metadata, tell: Tell) -> int:
    """How many interactions a killed run had left in the spool: they are added to the file, whatever comes after."""
    writer = _writer(settings, metadata, store.AppendMode.CONTINUE)
    try:
        for problem in writer.problems:
            tell(Notice(text=f"{settings.output}: {problem.message}"))
        held = writer.held if isinstance(writer, FolderWriter) else partial(_held, settings.output)
        recovered = recover(_spooled(settings), writer, held)
        writer.close(None)
    finally:
        writer.abandon()
    if recovered:
        tell(Notice(text=f"{settings.output}: {recovered} interrupted exchange(s) recovered, marked `end: lost`"))
    return recovered


def _closed(recording: Recording, failed: Callable[[ReplayerError], None]) -> Summary | None:
    try:
        return recording.close()
    except ReplayerError as error:
        failed(error)
        return None


async def _tick(recording: Recording, failed: Callable[[ReplayerError], None]) -> None:
    while True:
        await asyncio.sleep(TICK)
        try:
            recording.tick()
        except ReplayerError as error:
            failed(error)


def _teller(descriptor: int) -> Tell:
    def tell(message: Message) -> None:
        data = encode(message)
        with suppress(BrokenPipeError):  # the parent is gone; the end of stdin says so too
            while data:
                data = data[os.write(descriptor, data) :]

    return tell


def _metadata(settings: Settings, clock: Clock, redactor: Redactor) -> Metadata:
    return Metadata(
        origin=Origin.RECORDED,
        recorded_at=timestamp(clock.now()),
        tool=f"replayer {__version__}",
        upstreams={upstream.name: redactor.uri(upstream.url) for upstream in settings.upstreams},
    )


def _writer(settings: Settings, metadata: Metadata, mode: store.AppendMode) -> FileWriter | FolderWriter:
    if settings.split is None:
        return FileWriter.open(settings.output, metadata=metadata, mode=mode, again=again)
    suffix = ".json" if settings.layout == Layout.JSON else ".yaml"
    name_of = partial(file_name, Split(settings.split), suffix=suffix)
    return FolderWriter(settings.output, name_of, metadata, mode, again)


def _spooled(settings: Settings) -> Path:
    """The name beside which is spooled what is in flight."""
    return settings.output if settings.split is None else settings.output / LOCK


def _held(output: Path) -> Iterator[Interaction]:
    """What the file holds already."""
    if output.exists() and output.stat().st_size:
        yield from store.iterate(output)


def _ready(host: str, every: tuple[Listener, ...], ports: tuple[int, ...]) -> Ready:
    shown = f"[{host}]" if ":" in host else host
    bases = [f"http://{shown}:{port}" for port in ports]
    names = [
        (upstream.name, f"{base}/{upstream.name}" if listener.prefixed else base)
        for listener, base in zip(every, bases, strict=True)
        for upstream in listener.upstreams
    ]
    return Ready(listeners=tuple(bases), names=tuple(names))


if __name__ == "__main__":
    main()
