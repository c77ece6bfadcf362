"""What is fuzzed: each target takes bytes, and raises where something broke.

The rule: a target knows what may come of bad input (an error of ours, a 4xx) and lets everything else through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from replayer.cassette.codec import Layout, decode, encode
from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.clock import SystemClock
from replayer.config import Config, PlayedRoute
from replayer.errors import CassetteError, FaultError
from replayer.faults.grammar import parse
from replayer.gateway.server import HttpServer
from replayer.inputs import Loaded
from replayer.match.matchers import compare
from replayer.match.normalize import normalize
from replayer.match.player import Hit, Player, PlayState, Repeat
from replayer.match.rules import Rules
from replayer.service import Options, Service, build

__all__ = ["TARGETS"]

JSON = (("content-type", "application/json"),)
_TURNS = 200
"""Of the loop that one input is given: more than any answer takes that waits for nobody."""


def cassette(data: bytes) -> None:
    """The cassette reader; what it has read is written and read again."""
    try:
        read = decode(data, name="fuzzed.yaml")
    except CassetteError:
        return
    again = decode(encode(read, Layout.FLOW), name="written.yaml")
    assert again.interactions == read.interactions, "what was written reads otherwise"


def fault(data: bytes) -> None:
    """The grammar of `Replayer-Fault`."""
    try:
        parse(data.decode("latin-1"))
    except FaultError:
        return


def match(data: bytes) -> None:
    """Two requests, cut at NULs: `type NUL coding NUL target NUL body`, twice. The index and the matchers agree."""
    fields = [*data.split(b"\0", 7), *[b""] * 8][:8]
    one, other = (_request(*fields[at : at + 4]) for at in (0, 4))
    player = Player(
        [("a", Cassette(interactions=(Interaction(request=one, response=Response(status=200)),)))], repeat=Repeat.LAST
    )
    assert isinstance(player.answer(one, state=PlayState(), entry=1), Hit), "a request is not the one it was"
    answer = player.answer(other, state=PlayState(), entry=1)
    normal = normalize(other, Rules())._replace(host="")
    same = not compare(normalize(one, Rules()), normal).differed
    assert isinstance(answer, Hit) == same, "the index and the matchers disagree"


def request(data: bytes) -> None:
    """A connection to the HTTP door: whatever comes in is answered, and is no defect of ours."""
    loop, service, server, said = _door()
    loop.run_until_complete(_connect(server, data))
    journal = list(service.run.entries())
    assert not said, said
    assert all("defect" not in entry.details for entry in journal[-20:]), journal[-1].details
    assert all(entry.duration_ms is not None for entry in journal[-20:]), "somebody waits for a connection that is gone"


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "cassette": cassette,
    "fault": fault,
    "match": match,
    "request": request,
}
"""By name."""


def _request(kind: bytes, coding: bytes, target: bytes, body: bytes) -> Request:
    headers = [("content-type", kind.decode("latin-1"))] if kind else []
    headers += [("content-encoding", coding.decode("latin-1"))] if coding else []
    uri = "https://h/" + target.decode("latin-1").lstrip("/")
    return Request(method="POST", uri=uri, headers=tuple(headers), body=body or None)


@cache
def _door() -> tuple[asyncio.AbstractEventLoop, Service, HttpServer, list[dict[str, Any]]]:
    """A gateway that nobody can reach but we, and what its loop complains of."""
    said: list[dict[str, Any]] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: said.append(context))

    async def made() -> tuple[Service, HttpServer]:
        talk = tuple(
            Frame(at=0, sender=sender, kind=FrameKind.TEXT, text='{"a":1}') for sender in (Sender.CLIENT, Sender.SERVER)
        )
        recorded = (
            _took("GET", "/v1/models"),
            _took("POST", "/v1/chat/completions", b'{"model":"[REDACTED]","messages":[]}'),
            Interaction(
                request=Request(method="GET", uri="wss://api.openai.com/v1/realtime"),
                response=Response(status=101, frames=talk),
            ),
        )
        config = Config(played=(PlayedRoute(prefix="/v1/chat", ignore=("$.messages[*].id",)),))
        loaded = Loaded(config=config, cassettes=(("a.yaml", Cassette(interactions=recorded)),))
        service = build(loaded, Options(port=0, seed=1), clock=SystemClock(), environment={})
        gateway = service._gateway
        return service, HttpServer(gateway.handle, gateway.unreadable)

    return loop, *loop.run_until_complete(made()), said


def _took(method: str, path: str, body: bytes | None = None) -> Interaction:
    asked = Request(method=method, uri=f"https://api.openai.com{path}", headers=JSON, body=body)
    return Interaction(request=asked, response=Response(status=200, headers=JSON, body=b"{}"))


class _Wire(asyncio.Transport):
    """The other side of a connection, without a socket: what is written goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        return

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def get_write_buffer_size(self) -> int:
        return 0


async def _connect(server: HttpServer, data: bytes) -> None:
    protocol, wire = server(), _Wire()
    protocol.connection_made(wire)
    for at in range(0, len(data), 4096):
        if wire.closed:
            break
        protocol.data_received(data[at : at + 4096])
        await asyncio.sleep(0)
    for _ in range(_TURNS):
        if wire.closed:
            break
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    ours = asyncio.current_task()
    for _ in range(_TURNS):
        if asyncio.all_tasks() <= {ours}:
            return
        await asyncio.sleep(0)
    raise AssertionError("somebody is still at work on a connection that is gone")
