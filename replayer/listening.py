"""Where one run listens: which addresses, opened and closed together.

The rule: the plain address comes first; every other is asked for by name. Either all of them come up or none stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from replayer.errors import UsageError
from replayer.gateway.app import Gateway
from replayer.gateway.authority import Authority
from replayer.gateway.door import Door
from replayer.gateway.listener import Listener
from replayer.gateway.proxy import Handle, ProxyListener
from replayer.gateway.server import Handler
from replayer.run import Address

__all__ = ["Doors", "Front", "Listeners", "Port"]


class Front(StrEnum):
    """What the first address serves."""

    PLAIN = "plain"
    """HTTP; TLS and a proxy have addresses of their own."""
    EVERY = "every"
    """HTTP and TLS, and clients that take it for a proxy: needs an authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One more plain port; 0 takes a free one."""

    number: int
    upstream: str | None = None
    """Whom requests mean that come in there; None for nobody in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What to open besides the plain port. Ports may be 0: any free one; None: not at all."""

    front: Front = Front.PLAIN

    ports: tuple[Port, ...] = ()
    tls: Path | None = None
    """The folder of the authority; without it neither TLS nor a proxy."""
    tls_port: int = 0
    proxy_port: int | None = None
    socket: Path | None = None

    def checked(self) -> Doors:
        """The same. UsageError where it cannot be."""
        if self.proxy_port is not None and self.tls is None:
            raise UsageError(
                "--proxy ends its clients' TLS, and needs an authority that they trust: say where it is kept, --tls DIR"
            )
        return self


class Listeners:
    """The addresses of one run."""

    def __init__(self, gateway: Gateway, *, host: str, port: int, doors: Doors) -> None:
        self._gateway = gateway
        self._host = host
        self._port = port
        self._doors = doors.checked()
        self._open: list[Listener | ProxyListener] = []

    async def open(self) -> tuple[Address, ...]:
        """Listen everywhere. UsageError where it cannot be."""
        try:
            return tuple(await self._opened())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Listen no more."""
        while self._open:
            await self._open.pop().close()

    async def _opened(self) -> Sequence[Address]:
        doors, gateway = self._doors, self._gateway
        authority = None if doors.tls is None else Authority.open(doors.tls)
        if doors.front is Front.EVERY and authority is not None:
            return await self._every(authority)
        found = [Address(*await self._listener(gateway.handle).open(self._host, self._port))]
        for port in doors.ports:
            handler = partial(gateway.handle, door=Door(upstream=port.upstream))
            address = await self._listener(handler).open(self._host, port.number)
            found.append(Address(*address, note=port.upstream or ""))
        if authority is not None:
            address = await self._listener(gateway.handle).open(self._host, doors.tls_port, tls=authority.context())
            found.append(Address(*address, scheme="https", note=f"clients trust {authority.file}"))
            if doors.proxy_port is not None:
                proxy = self._proxy(self._proxied, authority)
                found.append(Address(*await proxy.open(self._host, doors.proxy_port), note="proxy"))
        if doors.socket is not None:
            await self._listener(gateway.handle).open_unix(doors.socket)
            found.append(Address(str(doors.socket), 0, scheme="unix"))
        return found

    async def _every(self, authority: Authority) -> Sequence[Address]:
        """The first address and each upstream's own, all of them for every kind of client."""
        first = self._proxy(self._proxied, authority)
        found = [Address(*await first.open(self._host, self._port))]
        for port in self._doors.ports:
            own = self._proxy(self._meaning(port.upstream), authority)
            found.append(Address(*await own.open(self._host, port.number), note=port.upstream or ""))
        return found

    def _proxy(self, handle: Handle, authority: Authority) -> ProxyListener:
        listener = ProxyListener(handle, self._gateway.unreadable, authority)
        self._open.append(listener)
        return listener

    def _listener(self, handler: Handler) -> Listener:
        listener = Listener(handler, self._gateway.unreadable)
        self._open.append(listener)
        return listener

    def _meaning(self, upstream: str | None) -> Handle:
        """For a port of its own: whom a client that takes it for a proxy names does not matter there."""
        handler = partial(self._gateway.handle, door=Door(upstream=upstream))
        return lambda _: handler

    def _proxied(self, host: str | None) -> Handler:
        return partial(self._gateway.handle, door=Door(host=host, proxied=True))
