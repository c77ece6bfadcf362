"""What `replay` and `record` share: where answers come from, and where a run listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from replayer.errors import UsageError
from replayer.gateway.relay import Bending
from replayer.inputs import Loaded, load
from replayer.listening import Doors, Port
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream, Way, parse
from replayer.source import Mode, Source, Taping

__all__ = ["Asked", "door_options", "doors", "source_of", "source_options"]

_SUFFIXES = (".yaml", ".yml", ".json")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def source_options(command: _Command) -> _Command:
    """`--record-mode`, `--spy`, `--passthrough` and what they need."""
    for option in reversed(
        (
            click.option(
                "--record-mode",
                type=click.Choice([mode.value for mode in Mode if mode not in (Mode.SPY, Mode.PASSTHROUGH)]),
                default=Mode.NONE.value,
                show_default=True,
                help="none never goes upstream; new_episodes records what is missing; once, if there is nothing yet.",
            ),
            click.option("--spy", is_flag=True, help="Ask upstream for what is missing, and keep nothing."),
            click.option("--passthrough", is_flag=True, help="Ask upstream for everything, and keep nothing."),
            click.option(
                "--upstream", "upstreams", multiple=True, metavar="NAME=URL[@PORT]", help="A real server; repeat."
            ),
            click.option(
                "-o",
                "--output",
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE",
                help="The cassette to record into.  [default: the one that is given]",
            ),
            click.option(
                "--allow-faults", is_flag=True, help="Let requests inject faults although answers may be real ones."
            ),
        )
    ):
        command = option(command)
    return command


def door_options(command: _Command) -> _Command:
    """Where to listen besides `--port`."""
    for option in reversed(
        (
            click.option(
                "--also-port", "also", multiple=True, metavar="[NAME=]PORT", help="One more port, of an upstream."
            ),
            click.option(
                "--tls",
                type=click.Path(file_okay=False, path_type=Path),
                metavar="DIR",
                help="Listen for TLS too; clients trust DIR/ca.pem, which is made there.",
            ),
            click.option("--tls-port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any."),
            click.option("--proxy", is_flag=True, help="Be a proxy too, for clients with HTTPS_PROXY (needs --tls)."),
            click.option("--proxy-port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any."),
            click.option(
                "--socket", type=click.Path(path_type=Path), metavar="PATH", help="Listen on a Unix socket too."
            ),
        )
    ):
        command = option(command)
    return command


def doors(
    *,
    also: Sequence[str],
    upstreams: Sequence[Upstream],
    tls: Path | None,
    tls_port: int,
    proxy: bool,
    proxy_port: int,
    socket: Path | None,
) -> Doors:
    """What the options say. UsageError for a port that is none."""
    own = [Port(number=upstream.port, upstream=upstream.name) for upstream in upstreams if upstream.port is not None]
    return Doors(
        ports=(*(_port(text) for text in also), *own),
        tls=tls,
        tls_port=tls_port,
        proxy_port=proxy_port if proxy or proxy_port else None,
        socket=socket,
    ).checked()


def _port(text: str) -> Port:
    name, _, digits = text.rpartition("=")
    if not digits.isascii() or not digits.isdigit() or int(digits) > 65535:
        raise UsageError(f"--also-port {text}: write PORT or NAME=PORT, such as openai=8801")
    return Port(number=int(digits), upstream=name or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run was asked to play, and where else its answers come from."""

    paths: tuple[str, ...]
    """That are there."""
    source: Source

    def load(self) -> Loaded:
        """Everything that is played. ReplayerError for what cannot be read."""
        loaded = load(self.paths)
        taping = self.source.taping
        return loaded.without(taping.output) if taping is not None and self.source.mode is Mode.REWRITE else loaded


def source_of(
    paths: Sequence[str],
    *,
    mode: str,
    spy: bool,
    passthrough: bool,
    upstreams: Sequence[str],
    output: Path | None,
    allow_faults: bool,
    settings: Settings | None = None,
    way: Way = Way.REVERSE,
) -> Asked:
    """What the options say. UsageError where they contradict each other, or something is missing."""
    chosen = Mode(mode)
    if spy + passthrough + (chosen is not Mode.NONE) > 1:
        raise UsageError("--record-mode, --spy and --passthrough exclude each other: choose one")
    chosen = Mode.SPY if spy else Mode.PASSTHROUGH if passthrough else chosen
    source = Source(
        mode=chosen,
        upstreams=tuple(parse(text) for text in upstreams),
        faults=Bending.ALLOWED if allow_faults else Bending.REFUSED,
        way=way,
    )
    if source.records:
        output = output or _only(paths)
        if output is not None:
            # What is recorded into is played too, wherever it lies.
            here = [path for path in paths if Path(path).exists() or Path(path) != output]
            paths = here if not output.exists() or _below(output, here) else [*here, str(output)]
            taping = Taping(output=output, settings=settings)
            source = replace(source, taping=taping)
    elif output is not None:
        raise UsageError("--output is what is recorded into, and nothing is recorded: give a --record-mode")
    return Asked(paths=tuple(paths), source=source.checked())


def _only(paths: Sequence[str]) -> Path | None:
    """The one file that is given; it need not be there yet."""
    path = Path(paths[0]) if len(paths) == 1 else None
    return path if path is not None and path.suffix.lower() in _SUFFIXES and not path.is_dir() else None


def _below(file: Path, paths: Sequence[str]) -> bool:
    """Whether a file is among those given, or in one of the directories."""
    whole = file.resolve()
    return any(whole == Path(path).resolve() or Path(path).resolve() in whole.parents for path in paths)
