"""A listener: an address, and the HTTP server behind it.

The rule: an address that cannot be had is a UsageError that says what to do, and whatever comes in over it, HTTP or
not, is answered or closed without a word on the console.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import stat
from pathlib import Path
from ssl import SSLContext

from replayer.errors import UsageError
from replayer.gateway.server import Handler, HttpServer, Unreadable

__all__ = ["BACKLOG", "Handler", "Listener", "refused"]

BACKLOG = 1024


class Listener:
    """One address. `open` it once, `close` it once."""

    def __init__(self, handler: Handler, unreadable: Unreadable) -> None:
        self._web = HttpServer(handler, unreadable)
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, host: str, port: int, *, tls: SSLContext | None = None) -> tuple[str, int]:
        """Listen; the address as it came to be (port 0 asks for a free one). UsageError where it cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._web, host, port, backlog=BACKLOG, ssl=tls)
        except OSError as error:
            raise UsageError(refused(host, port, error)) from error
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def open_unix(self, path: Path) -> None:
        """Listen on a Unix socket; one that nobody listens on any more is replaced. UsageError where it cannot be."""
        loop = asyncio.get_running_loop()
        try:
            _free(path)
            self._server = await loop.create_unix_server(self._web, path, backlog=BACKLOG)
        except OSError as error:
            raise UsageError(f"cannot listen on the Unix socket {path}: {error.strerror or error}") from error
        self._path = path

    async def close(self) -> None:
        """Stop listening, end what is idle at once and what is under way soon."""
        if self._server is None:
            return
        self._server.close()
        await self._web.end()
        await self._server.wait_closed()
        self._server = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _free(path: Path) -> None:
    """Remove a socket that is left over. UsageError where it is none, or somebody listens."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise UsageError(f"{path} is there and is no socket: choose another --socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise UsageError(f"somebody listens on {path} already: stop that program, or choose another --socket")


def refused(host: str, port: int, error: OSError) -> str:
    """Why an address cannot be had, and what to do."""
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
