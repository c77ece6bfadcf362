"""A forward proxy's front, for clients that know us by HTTPS_PROXY only: they believe that they talk to the real host.

The rule: nothing is forwarded. A tunnel (CONNECT) ends here: TLS with a certificate of our own for the host that was
asked for, and what comes out of it is answered like any request, as one to that host. Whether a connection or a tunnel
is TLS, its first byte says, so one address serves all: plain and TLS, clients that take us for a proxy and those that
take us for the server.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from replayer.errors import UsageError
from replayer.gateway.authority import Authority
from replayer.gateway.listener import BACKLOG, refused
from replayer.gateway.server import HEAD_S, Handler, HttpServer, Unreadable
from replayer.match.target import host_of

__all__ = ["Handle", "ProxyListener"]

_MAX_HEAD = 65_536
_MAX_SERVERS = 1000
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_TUNNEL = b"CONNECT "
_TLS = b"\x16"
"""The first byte of a handshake (RFC 8446, 5.1); no request begins with it."""

Handle = Callable[[str | None], Handler]
"""What answers requests to a host; of None, to the host that each names itself."""


class ProxyListener:
    """One proxy address. `open` it once, `close` it once."""

    def __init__(self, handle: Handle, unreadable: Unreadable, authority: Authority) -> None:
        self._handle = handle
        self.unreadable = unreadable
        self._authority = authority
        self._servers: dict[str | None, HttpServer] = {}
        self._server: asyncio.Server | None = None
        self.fronts: set[_Front] = set()
        """Connections that have not said what they want."""
        self.tasks: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Listen; the address as it came to be. UsageError where it cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Front(self), host, port, backlog=BACKLOG)
        except OSError as error:
            raise UsageError(refused(host, port, error)) from error
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    async def close(self) -> None:
        """Stop listening; end what is under way soon."""
        if self._server is None:
            return
        self._server.close()
        for front in tuple(self.fronts):
            front.abort()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(server.end() for server in self._servers.values()))
        await self._server.wait_closed()
        self._server = None

    def server(self, host: str | None) -> HttpServer:
        """What answers requests to a host, as matching spells it."""
        known = self._servers.get(host)
        if known is None:
            if len(self._servers) >= _MAX_SERVERS:
                self._servers = {name: server for name, server in self._servers.items() if server.connections}
            known = self._servers[host] = HttpServer(self._handle(host), self.unreadable)
        return known

    def context(self, authority: str) -> ssl.SSLContext:
        """How a tunnel to `host:port` is served under TLS."""
        return self._authority.context(urlsplit(f"//{authority}").hostname or "localhost")


class _Front(asyncio.Protocol):
    """A connection until it has said whether it wants TLS, a tunnel, or an answer."""

    def __init__(self, proxy: ProxyListener) -> None:
        self._proxy = proxy
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._awaited = asyncio.get_running_loop().call_later(HEAD_S, self._too_late)
        self._peek: socket.socket | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._proxy.fronts.add(self)
        self._look(transport, "localhost", lambda: None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._awaited.cancel()
        self._seen()
        self._proxy.fronts.discard(self)
        self._transport = None

    def abort(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._head += data
        transport = self._transport
        if transport is None:
            return
        if not _TUNNEL.startswith(self._head[: len(_TUNNEL)]):
            self._awaited.cancel()
            self._hand_over(transport, None, self._head)
        elif b"\r\n\r\n" in self._head:
            self._awaited.cancel()
            head, _, rest = self._head.partition(b"\r\n\r\n")
            self._tunnel(transport, head.split(b"\r\n", 1)[0].decode("latin-1"), rest)
        elif len(self._head) > _MAX_HEAD:
            self._refuse(transport, 431, "the head of a CONNECT request is too long")

    def _look(self, transport: asyncio.Transport, authority: str, plain: Callable[[], None]) -> None:
        """Wait for the first byte and leave it where it is: a handshake is begun, for anything else `plain` called."""
        transport.pause_reading()
        self._peek = peek = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))

        def readable() -> None:
            try:
                first = peek.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return
            except OSError:
                first = b""
            self._seen()
            if first == _TLS:
                self._secure(transport, authority)
                return
            plain()
            if not transport.is_closing():
                transport.resume_reading()

        asyncio.get_running_loop().add_reader(peek, readable)

    def _seen(self) -> None:
        if self._peek is not None:
            asyncio.get_running_loop().remove_reader(self._peek)
            self._peek.close()
            self._peek = None

    def _tunnel(self, transport: asyncio.Transport, line: str, rest: bytes) -> None:
        parts = line.split(" ")
        authority = parts[1] if len(parts) == 3 else ""
        try:
            sound = bool(urlsplit(f"//{authority}").hostname and urlsplit(f"//{authority}").port)
        except ValueError:
            sound = False
        if not sound or any(char in authority for char in "/?#@"):
            self._refuse(transport, 400, f"CONNECT {authority[:100]}: that is no host:port")
            return
        if rest.startswith(_TLS):
            self._refuse(transport, 400, "the client spoke before its tunnel was there")
            return
        transport.write(_ESTABLISHED)
        if rest:
            self._hand_over(transport, host_of(authority), rest)
        else:
            self._look(transport, authority, lambda: self._hand_over(transport, host_of(authority), b""))

    def _secure(self, transport: asyncio.Transport, authority: str) -> None:
        self._awaited.cancel()
        # What does not name a host by a tunnel names it in each request.
        host = host_of(authority) if self._head else None
        context = self._proxy.context(authority)
        task = asyncio.create_task(self._handshake(transport, context, host))
        self._proxy.tasks.add(task)
        task.add_done_callback(self._proxy.tasks.discard)

    async def _handshake(self, transport: asyncio.Transport, context: ssl.SSLContext, host: str | None) -> None:
        early = _Early()
        try:
            secured = await asyncio.get_running_loop().start_tls(transport, early, context, server_side=True)
        except (OSError, ssl.SSLError) as error:
            self._proxy.unreadable(
                400,
                f"no TLS with the client{f' for {host}' if host else ''}: {error}; the client has to trust the "
                "authority's ca.pem",
            )
            transport.abort()
            return
        except asyncio.CancelledError:
            transport.abort()
            raise
        finally:
            self._proxy.fronts.discard(self)
        if secured is None or early.lost:
            return
        protocol = self._proxy.server(host)()
        secured.set_protocol(protocol)
        protocol.connection_made(secured)
        if early.data:
            protocol.data_received(early.data)

    def _hand_over(self, transport: asyncio.Transport, host: str | None, data: bytes) -> None:
        """From here on it is an HTTP connection."""
        self._proxy.fronts.discard(self)
        protocol = self._proxy.server(host)()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if data:
            protocol.data_received(data)

    def _too_late(self) -> None:
        if self._transport is not None:
            self._refuse(self._transport, 408, f"no whole request head within {HEAD_S:g} s")

    def _refuse(self, transport: asyncio.Transport, status: int, why: str) -> None:
        answer = self._proxy.unreadable(status, why)
        head = f"HTTP/1.1 {status} {answer.reason}\r\ncontent-length: {len(answer.body)}\r\nconnection: close\r\n\r\n"
        transport.write(head.encode() + answer.body)
        transport.close()


class _Early(asyncio.Protocol):
    """Keeps what comes out of a tunnel before somebody is there to read it."""

    def __init__(self) -> None:
        self.data = b""
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
