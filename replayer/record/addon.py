"""mitmproxy's add-on: what mitmproxy sees of an exchange, told to the recording.

The rule: the client's and the upstream's bytes pass as they come, whatever happens here; a fault of ours is told and
costs the recording of that exchange, never the exchange. Bodies stream both ways, except requests that are known to be
small, which go upstream whole.

Limits of mitmproxy: ping and pong are relayed, not seen; an upstream's abort of a WebSocket reaches the client as close
1000 (it is recorded as 1006); a reset at the end of a body without a declared length looks like its end. An
informational answer (100, 103) takes the place of the real one: such an exchange is cut off and nothing of it is kept.
Upstreams are spoken to in HTTP/1.1, because mitmproxy cannot upgrade a WebSocket over HTTP/2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Client, ConnectionState

from replayer.cassette.model import End, FrameKind, Headers, Sender
from replayer.errors import RecorderError, ReplayerError
from replayer.record.exchange import Exchange
from replayer.record.recording import Recording
from replayer.record.upstreams import Listener, Target

__all__ = ["RecordAddon", "placeholder_host"]

WHOLE = 64 * 1024
"""A request body of at most so many bytes goes upstream whole, so that an upstream that is not there is a clean 502."""
ABORTED = 1006
RELAYED = "Replayer-Relay"
"""The field in which a gateway in front names a request that it relays; it goes no further."""


def placeholder_host(number: int) -> str:
    """The name by which a flow tells which listener it came to; no connection is ever made to it."""
    return f"listener-{number}.invalid"


class RecordAddon:
    """One exchange a flow. `failed` is called with an error of ours, such as a full disk."""

    def __init__(
        self, recording: Recording, listeners: Sequence[Listener], failed: Callable[[ReplayerError], None]
    ) -> None:
        self._recording = recording
        self._listeners = {placeholder_host(number): listener for number, listener in enumerate(listeners)}
        self._failed = failed
        self._exchanges: dict[str, Exchange] = {}
        self._clients: dict[str, set[str]] = {}  # flows of each client's connection

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Route the request, and begin its exchange."""
        listener = self._listeners[flow.request.host]
        target = listener.target(flow.request.path)
        if target is None:
            flow.response = _unrouted(listener, flow.request.path)
            return
        relay = flow.request.headers.get(RELAYED, "")
        _send_to(flow.request, target)
        self._begin(flow, target, _fields(flow.request.headers))
        if flow.id in self._exchanges:
            self._exchanges[flow.id].relay = relay

    def request(self, flow: http.HTTPFlow) -> None:
        """The request is whole."""

        def whole(exchange: Exchange) -> None:
            if not flow.request.stream and flow.request.raw_content:
                exchange.request_chunk(flow.request.raw_content)
            exchange.request_end()

        self._with(flow, whole)
        if flow.response is not None and flow.response.timestamp_end is not None:
            self._finish(flow, End.COMPLETE)  # the answer was whole before the request was

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The answer begins, and streams from here on."""
        response = flow.response
        exchange = self._exchanges.get(flow.id)
        if response is None or exchange is None:
            return
        if 100 <= response.status_code < 200 and response.status_code != 101:
            self._forget(flow)
            self._recording.drop(exchange)
            self._recording.notice(
                exchange.upstream,
                f"{exchange.method} {exchange.uri}: answered {response.status_code} before its real answer, which "
                f"mitmproxy cannot relay; the exchange was cut off and is not recorded",
            )
            flow.kill()  # type: ignore[no-untyped-call]  # mitmproxy's own gap
            return
        head = _fields(response.headers)
        self._with(flow, lambda one: one.response_head(response.status_code, response.reason, head))
        response.stream = self._tap(flow, Exchange.response_chunk)

    def response(self, flow: http.HTTPFlow) -> None:
        """The answer is whole; a 101 is where frames begin."""
        if flow.websocket is not None:
            self._with(flow, Exchange.upgraded)
        elif flow.request.timestamp_end is not None:
            self._finish(flow, End.COMPLETE)

    def error(self, flow: http.HTTPFlow) -> None:
        """One side went away, or never came."""
        exchange = self._exchanges.get(flow.id)
        if exchange is None:
            return
        client_left = not flow.client_conn.state & ConnectionState.CAN_READ
        reason = flow.error.msg if flow.error else "the connection was lost"
        if not client_left:
            self._recording.notice(exchange.upstream, f"{exchange.method} {exchange.uri}: {reason}")
        self._finish(flow, End.CLIENT_LEFT if client_left else End.UPSTREAM_LOST)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A whole message; mitmproxy keeps them all unless the list is emptied."""
        if flow.websocket is None:
            return
        for message in flow.websocket.messages:
            sender = Sender.CLIENT if message.from_client else Sender.SERVER
            kind = FrameKind.TEXT if message.is_text else FrameKind.BINARY
            self._with(flow, _saying(sender, kind, message.content))
        flow.websocket.messages.clear()

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """The connection is over."""
        if flow.websocket is None:
            return
        # mitmproxy says 1006 where a side went without a close, None where it cannot tell.
        code = flow.websocket.close_code or ABORTED
        reason = flow.websocket.close_reason or ""
        sender = Sender.CLIENT if flow.websocket.closed_by_client else Sender.SERVER
        self._with(flow, lambda exchange: exchange.closed(sender, code, reason))
        lost = End.CLIENT_LEFT if sender is Sender.CLIENT else End.UPSTREAM_LOST
        self._finish(flow, lost if code == ABORTED else End.COMPLETE)

    def client_disconnected(self, client: Client) -> None:
        """Whatever of its exchanges has not ended otherwise ends with the client."""
        for flow_id in list(self._clients.pop(client.id, ())):
            exchange = self._exchanges.pop(flow_id, None)
            if exchange is not None:
                self._guarded(partial(self._recording.finish, exchange, End.CLIENT_LEFT))

    def _begin(self, flow: http.HTTPFlow, target: Target, headers: Headers) -> None:
        request = flow.request
        uri = target.uri(websocket=request.headers.get("upgrade", "").lower() == "websocket")

        def begin() -> None:
            self._exchanges[flow.id] = self._recording.begin(target.upstream.name, request.method, uri, headers)
            self._clients.setdefault(flow.client_conn.id, set()).add(flow.id)

        self._guarded(begin)
        if not _small(request):
            request.stream = self._tap(flow, Exchange.request_chunk)

    def _tap(
        self, flow: http.HTTPFlow, take: Callable[[Exchange, bytes], None]
    ) -> Callable[[bytes], bytes | list[bytes]]:
        """What mitmproxy calls with each chunk; it gives the chunk back as it is."""

        def tap(data: bytes) -> bytes | list[bytes]:
            if not data:
                return []  # an empty chunk would end a chunked body
            self._with(flow, lambda exchange: take(exchange, data))
            return data

        return tap

    def _with(self, flow: http.HTTPFlow, do: Callable[[Exchange], None]) -> None:
        exchange = self._exchanges.get(flow.id)
        if exchange is not None:
            self._guarded(lambda: do(exchange), flow)

    def _finish(self, flow: http.HTTPFlow, end: End) -> None:
        exchange = self._forget(flow)
        if exchange is not None:
            self._guarded(lambda: self._recording.finish(exchange, end))

    def _forget(self, flow: http.HTTPFlow) -> Exchange | None:
        self._clients.get(flow.client_conn.id, set()).discard(flow.id)
        return self._exchanges.pop(flow.id, None)

    def _guarded(self, do: Callable[[], Any], flow: http.HTTPFlow | None = None) -> None:
        try:
            do()
        except Exception as error:
            if flow is not None:
                self._forget(flow)
            self._failed(
                error
                if isinstance(error, ReplayerError)
                else RecorderError(f"a defect of the recorder: {error!r}; please report it")
            )


def _saying(sender: Sender, kind: FrameKind, payload: bytes) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.message(sender, kind, payload)


def _fields(headers: http.Headers) -> Headers:
    # Bytes that are not UTF-8 pass through JSON and YAML as their Latin-1 characters.
    return tuple((name.decode("latin-1"), _value(value)) for name, value in headers.fields)


def _value(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _send_to(request: http.Request, target: Target) -> None:
    for name in [name for name in request.headers if name.lower().startswith("replayer-")]:
        del request.headers[name]
    upstream = target.upstream
    request.scheme, request.host, request.port = upstream.scheme, upstream.host, upstream.host_port
    request.path = target.path
    request.host_header = target.authority


def _small(request: http.Request) -> bool:
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers:
        return False
    return not length or (length.isdigit() and int(length) <= WHOLE)


def _unrouted(listener: Listener, path: str) -> http.Response:
    known = ", ".join(f"/{upstream.name}/" for upstream in listener.upstreams)
    text = f"replayer: no upstream is reached under {path.partition('?')[0]}; the recorder knows {known}\n"
    return http.Response.make(404, text, {"content-type": "text/plain; charset=utf-8", "x-should-retry": "false"})
