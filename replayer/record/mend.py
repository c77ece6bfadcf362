"""mitmproxy, mended where it would break an exchange that client and upstream understand.

What it cannot relay is left out of what the client gets, and the exchange goes on:
- an informational answer (100, 103; RFC 9110, 15.2) before the real one is dropped; mitmproxy takes it for the answer;
- the trailers of a chunked body (RFC 9112, 7.1.2) are dropped; mitmproxy fails on them and lets the client wait;
- an aborted WebSocket is aborted on the other side too; mitmproxy says close 1000 to it;
- a reset in a body that ends with its connection is an error; mitmproxy takes it for the end;
- a WebSocket is upgraded on a connection of its own; mitmproxy would upgrade on one that speaks HTTP/2.

The rule: only what mitmproxy 11 and 12 (the versions that we allow) do wrong is touched, once a process, before
anything is relayed. What was dropped is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import h11
import wsproto
from h11._readers import Http10Reader
from mitmproxy.connection import Client, Connection
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers import websocket
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream, _http1

__all__ = ["is_upgrade", "mend"]

ABNORMAL = 1006
_LONGEST_HEAD = 64 * 1024


def mend(tell: Callable[[str], None], *, was_reset: Callable[[Client, Connection], bool]) -> None:
    """Mend mitmproxy for the rest of this process.

    `tell` gets a sentence about each thing that was dropped; `was_reset` says of a client and its upstream's connection
    that has just been closed whether it was reset.
    """
    _mend_trailers(tell)
    _mend_interim_answers(tell)
    _mend_resets(was_reset)
    _mend_aborts()
    _mend_upgrades()


def is_upgrade(headers: Any) -> bool:
    """Whether a request's headers ask for a WebSocket."""
    return "websocket" in headers.get("upgrade", "").lower()


class _WithoutTrailers:
    """A reader of h11's that ends a body without its trailers."""

    def __init__(self, reader: Any, tell: Callable[[str], None]) -> None:
        self._reader = reader
        self._tell = tell

    def __call__(self, buffer: Any) -> Any:
        return self._bare(self._reader(buffer))

    def read_eof(self) -> Any:
        return self._reader.read_eof()

    def _bare(self, event: Any) -> Any:
        if isinstance(event, h11.EndOfMessage) and event.headers:
            names = ", ".join(sorted({name.decode("latin-1") for name, _ in event.headers}))
            self._tell(f"trailers behind a body were dropped, which mitmproxy cannot relay: {names}")
            return h11.EndOfMessage()
        return event


def _mend_trailers(tell: Callable[[str], None]) -> None:
    parser: Any = _http1
    original = parser.make_body_reader

    def make_body_reader(expected_size: int | None) -> Any:
        reader = original(expected_size)
        return _WithoutTrailers(reader, tell) if expected_size is None else reader  # None: chunked

    parser.make_body_reader = make_body_reader


def _mend_interim_answers(tell: Callable[[str], None]) -> None:
    client: Any = _http1.Http1Client
    original = client.read_headers

    def read_headers(self: Any, event: Any) -> Iterator[Any]:
        if isinstance(event, events.DataReceived) and self.request:
            while (status := _interim(bytes(self.buf)[:_LONGEST_HEAD])) is not None:
                self.buf.maybe_extract_lines()
                tell(f"an answer {status} before the real one was dropped, which mitmproxy cannot relay")
        yield from original(self, event)

    client.read_headers = read_headers


class _Reset:
    """A body that did not end, in place of h11's reader of one that ends with its connection."""

    def read_eof(self) -> Any:
        raise h11.RemoteProtocolError("the upstream reset the connection in the middle of the body")


def _mend_resets(was_reset: Callable[[Client, Connection], bool]) -> None:
    client: Any = _http1.Http1Client
    original = client.read_body

    def read_body(self: Any, event: Any) -> Iterator[Any]:
        endless = isinstance(event, events.ConnectionClosed) and isinstance(self.body_reader, Http10Reader)
        if endless and was_reset(self.context.client, self.conn):
            self.body_reader = _Reset()
        yield from original(self, event)

    client.read_body = read_body


def _interim(start: bytes) -> int | None:
    """The status of the informational answer that is whole at the start of these bytes; 101 is none."""
    if not start.startswith(b"HTTP/1.") or start[9:10] != b"1" or b"\n" not in start[12:]:
        return None
    status = start[9:12]
    whole = b"\r\n\r\n" in start or b"\n\n" in start
    return int(status) if whole and status.isdigit() and status != b"101" else None


def _mend_aborts() -> None:
    connection: Any = websocket.WebsocketConnection
    original = connection.send2

    def send2(self: Any, event: wsproto.events.Event) -> Any:
        if isinstance(event, wsproto.events.CloseConnection) and event.code == ABNORMAL:
            return commands.SendData(self.conn, b"")  # the connection is closed next, without a close frame
        return original(self, event)

    connection.send2 = send2


def _mend_upgrades() -> None:
    layer: Any = HttpLayer
    original = layer.get_connection

    def get_connection(self: Any, event: Any, *, reuse: bool = True) -> Iterator[Any]:
        stream = self.command_sources.get(event)
        fresh = isinstance(stream, HttpStream) and is_upgrade(stream.flow.request.headers)
        yield from original(self, event, reuse=reuse and not fresh)

    layer.get_connection = get_connection
