"""aiohttp's server, as the gateway uses it: silent, bounded, and with a word for what is no request.

The rule: what cannot be read as HTTP, and a head that does not come to its end, are answered with a problem and stand
in the journal; nothing on the console.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from replayer.cassette.model import Response
from replayer.gateway.http import Answering

__all__ = ["HEAD_S", "Handler", "HttpServer", "Unreadable"]

Handler = Callable[[web.BaseRequest], Answering]
Unreadable = Callable[[int, str], Response]
"""Notes what was no request (the status, why), and gives the answer to it."""

HEAD_S = 30.0
"""Seconds that the head of a request may take: a connection's first from the start, a later one from its first byte."""
_MAX_FIELD = 65_536
"""Bytes of one header field, and of the request line: session lists and bearer tokens can be long."""
_LINGER_S = 1.0
"""Seconds that the rest of a refused body is read, so that its sender gets to see the refusal."""
_STOP_S = 0.3
"""Seconds that requests under way are given when the server ends; once more for those that are cancelled."""
_SILENT = logging.Logger("replayer.gateway")
_SILENT.addHandler(logging.NullHandler())


class HttpServer(web.Server):
    """Makes a protocol for each connection."""

    def __init__(self, handler: Handler, unreadable: Unreadable, *, head_s: float = HEAD_S) -> None:
        super().__init__(handler, request_factory=self._request, handler_cancellation=True)
        self.unreadable = unreadable
        self.head_s = head_s

    async def end(self) -> None:
        """End what is idle at once and what is under way soon."""
        secured = [
            connection.transport
            for connection in self.connections
            if connection.transport is not None and connection.ssl_context is not None
        ]
        self.pre_shutdown()
        await self.shutdown(_STOP_S)
        for transport in secured:
            transport.abort()  # or TLS would wait for the other side's farewell, half a minute long
        await asyncio.sleep(0)

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        # How large a body may be is the intake's to say.
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=0)

    def __call__(self) -> RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            logger=_SILENT,
            auto_decompress=False,
            lingering_time=_LINGER_S,
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
        )


class _Connection(RequestHandler):
    """One connection. What aiohttp would log, the journal keeps."""

    __slots__ = ("_awaited", "_server")

    def __init__(self, server: HttpServer, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._server = server
        self._awaited: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._awaited = asyncio.get_running_loop().call_later(self._server.head_s, self._too_late)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages:
            if self._awaited is not None:
                self._awaited.cancel()
                self._awaited = None
        elif self._awaited is None and data and self._idle():
            # What came is the beginning of a head.
            self._awaited = asyncio.get_running_loop().call_later(self._server.head_s, self._too_late)

    def resume_reading(self, *args: Any, **named: Any) -> None:
        # Each body that is read asks for it, and aiohttp would parse the nothing that came meanwhile.
        if self._reading_paused:
            super().resume_reading(*args, **named)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What came cannot be read; the connection ends."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun: there cannot be another")
        answer = self._server.unreadable(status, message or type(exc).__name__)
        response = web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response.force_close()
        return response

    def _idle(self) -> bool:
        """Whether a request is awaited, and none is under way."""
        return self._waiter is not None and not self._waiter.done()

    def _too_late(self) -> None:
        self._awaited = None
        if self.transport is None or not self._idle():
            return
        answer = self._server.unreadable(408, f"no whole request head within {self._server.head_s:g} s")
        fields = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        head = (
            f"HTTP/1.1 408 Request Timeout\r\n{fields}content-length: {len(answer.body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + answer.body)
        self.force_close()
