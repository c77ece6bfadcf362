"""A listener: an address, and the HTTP server behind it.

The rule: an address that cannot be had is a UsageError that says what to do, and whatever comes in over it, HTTP or
not, is answered or closed without a word on the console.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from replayer.errors import UsageError

__all__ = ["MAX_BODY", "Handler", "Listener"]

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a request body that are read."""
_MAX_FIELD = 65_536
"""Bytes of one header field, and of the request line: session lists and bearer tokens can be long."""
_LINGER_S = 1.0
"""Seconds that the rest of a refused body is read, so that its sender gets to see the refusal."""
_STOP_S = 0.3
"""Seconds that requests under way are given when the listener stops; once more for those that are cancelled."""
_SILENT = logging.Logger("replayer.gateway")
_SILENT.addHandler(logging.NullHandler())


class Listener:
    """One address. `open` it once, `close` it once."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._web: web.Server | None = None

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Listen; the address as it came to be (port 0 asks for a free one). UsageError where it cannot be had."""
        loop = asyncio.get_running_loop()
        self._web = web.Server(
            self._handler,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            logger=_SILENT,
            auto_decompress=False,
            lingering_time=_LINGER_S,
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
        )
        try:
            self._server = await loop.create_server(self._web, host, port, backlog=1024)
        except OSError as error:
            raise UsageError(_refused(host, port, error)) from error
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def close(self) -> None:
        """Stop listening, end what is idle at once and what is under way soon."""
        if self._server is None or self._web is None:
            return
        self._server.close()
        self._web.pre_shutdown()
        await self._web.shutdown(_STOP_S)
        await self._server.wait_closed()
        self._server = None


def _request(message: object, payload: object, protocol: object, writer: object, task: object) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    # The five are aiohttp's own and pass through; their types are not public.
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)  # type: ignore[arg-type]


def _refused(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use: stop the program that listens there, or choose another port "
            "(--port 0 takes a free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} of {host} is not open to this user: choose one above 1023 (--port 0 takes a free one)"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: choose another --host"
    if isinstance(error, socket.gaierror):
        return f"{host}: no such host: choose another --host"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
