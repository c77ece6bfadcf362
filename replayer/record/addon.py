"""mitmproxy's add-on: what mitmproxy sees of an exchange, told to the recording.

The rule: the client's and the upstream's bytes pass as they come, whatever happens here; a fault of ours is told and
costs the recording of that exchange, never the exchange. Bodies stream both ways, except requests that are known to be
small, which go upstream whole.

Limits of mitmproxy: ping and pong are relayed, not seen; trailers and informational answers (100, 103) are dropped
(`mend.py`). Upstreams under TLS are offered HTTP/2, except for the upgrade of a WebSocket.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Client, ConnectionState

from replayer.cassette.model import End, FrameKind, Headers, Sender
from replayer.errors import RecorderError, ReplayerError
from replayer.record.exchange import Exchange
from replayer.record.flow import fields, is_endless, is_small, keep_alive
from replayer.record.recording import Recording
from replayer.record.upstreams import Target
from replayer.record.ways import lead, promise_of, relay_of, target_of

__all__ = ["RecordAddon"]

ABORTED = 1006


class RecordAddon:
    """One exchange a flow. `failed` is called with an error of ours, such as a full disk.

    Which flows are recorded, `ways.py` has decided before.
    """

    def __init__(
        self,
        recording: Recording,
        failed: Callable[[ReplayerError], None],
    ) -> None:
        self._recording = recording
        self._failed = failed
        self._exchanges: dict[str, Exchange] = {}
        self._clients: dict[str, set[str]] = {}  # flows of each client's connection
        self.reset: Callable[[Client], None] = lambda _: None
        """Resets a client's connection; whoever runs mitmproxy can."""

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Begin the exchange of a request that is recorded."""
        target = target_of(flow)
        if target is None:
            return
        self._begin(flow, target, fields(flow.request.headers))
        exchange = self._exchanges.get(flow.id)
        if exchange is not None:
            exchange.relay, exchange.promised = relay_of(flow), promise_of(flow)

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
        if response is None:
            return
        if exchange is None:
            response.stream = True  # passed through, or an answer of ours
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
        head = fields(response.headers)
        self._with(flow, lambda one: one.response_head(response.status_code, response.reason, head))
        lead(flow, head)
        keep_alive(flow)
        response.stream = self._tap(flow, Exchange.response_chunk)

    def response(self, flow: http.HTTPFlow) -> None:
        """The answer is whole; a 101 is where frames begin."""
        if flow.websocket is not None:
            self._with(flow, Exchange.upgraded)
            return
        self._drop_trailers(flow)
        exchange = self._exchanges.get(flow.id)
        promised = exchange is not None and exchange.promised is not None
        if flow.request.timestamp_end is not None or promised:
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
            if is_endless(flow.response):
                self.reset(flow.client_conn)  # the end of the connection would say that the body is whole
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
        if not is_small(request):
            request.stream = self._tap(flow, Exchange.request_chunk)

    def _drop_trailers(self, flow: http.HTTPFlow) -> None:
        """mitmproxy fails where HTTP/2 has trailers and HTTP/1.1 is spoken on the other side."""
        exchange = self._exchanges.get(flow.id)
        for message in (flow.request, flow.response):
            if message is not None and message.trailers:
                names = ", ".join(sorted(message.trailers))
                message.trailers = None
                if exchange is not None:
                    self._recording.notice(
                        exchange.upstream, f"{exchange.method} {exchange.uri}: dropped its trailers {names}"
                    )

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
