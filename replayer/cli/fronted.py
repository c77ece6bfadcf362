"""`record` in the modes that play too: the gateway stands in front, and the recorder behind it."""

from __future__ import annotations

import os

from replayer.cli.console import Console
from replayer.cli.recording import through_own_proxy
from replayer.cli.replay import Played, play
from replayer.cli.sources import source_of
from replayer.journal import Outcome
from replayer.listening import Doors, Front, Port
from replayer.record.settings import Settings
from replayer.service import Options
from replayer.source import Mode
from replayer.wrap.program import Program

__all__ = ["behind_a_gateway"]


def behind_a_gateway(settings: Settings, mode: Mode, console: Console, program: Program | None) -> Played:
    """Play and record until it is over."""
    if program is not None:
        settings = through_own_proxy(settings, console)
    asked = source_of(
        (str(settings.output),) if settings.output.exists() else (),
        mode=mode,
        spy=False,
        passthrough=False,
        upstreams=() if mode is Mode.NONE else [f"{one.name}={one.url}" for one in settings.upstreams],
        output=None if mode is Mode.NONE else settings.output,
        allow_faults=False,
        settings=settings,
        way=settings.way,
    )
    options = Options(
        host=settings.host,
        port=settings.port,
        seed=0,
        token=os.environ.get("REPLAYER_TOKEN") or None,
        source=asked.source,
        doors=Doors(
            front=Front.EVERY,
            tls=settings.confdir,
            ports=tuple(Port(number=one.port, upstream=one.name) for one in settings.upstreams if one.port is not None),
        ),
    )
    played = play(asked, asked.load(), options, program=program, console=console)
    summary = played.run.summary()
    beside = {outcome: count for outcome, count in summary.outcomes.items() if outcome is not Outcome.RECORDED}
    if beside:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in beside.items())
        nothing = "; nothing new was recorded" if Outcome.RECORDED not in summary.outcomes else ""
        console.say(f"{summary.requests} request(s), of which {counts}{nothing}")
    return played
