"""mitmproxy, embedded: its core, our add-on, and none of its tools.

The rule: it connects upstream only when a request asks (`connection_strategy=lazy`), and keeps nothing but its CA, in
the folder that it is given. It knows nothing of cassettes; the add-on does.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from mitmproxy import options
from mitmproxy.connection import Client, Connection

from replayer.errors import RecorderError
from replayer.record.addon import RecordAddon
from replayer.record.addons import Master, core, disable_h2c, next_layer, proxyserver, tlsconfig
from replayer.record.hosts import HostRules
from replayer.record.mend import mend
from replayer.record.upstreams import Listener, Way
from replayer.record.ways import Ways, placeholder_host

__all__ = ["Proxy", "running"]

GRACE = 1.0
"""Seconds that open connections have to end in when recording stops."""


class _Started:
    """Sets `event` when mitmproxy's listeners are up, or have failed to come up."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def running(self) -> None:
        self.event.set()


class _Errors(logging.Handler):
    """What mitmproxy calls an error after its start is a limit of its own: the user hears of it."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """First line only: the rest is a traceback of mitmproxy's."""
        cause = record.exc_info[1] if record.exc_info else None
        text = record.getMessage().strip().split("\n", 1)[0]
        self._tell(f"mitmproxy: {text}{f' ({cause})' if cause else ''}")


class Proxy:
    """A proxy that runs; `ports` stand in the order of its listeners."""

    def __init__(self, server: proxyserver.Proxyserver, ports: tuple[int, ...]) -> None:
        self._server = server
        self.ports = ports

    async def stop_listening(self) -> None:
        """No new connections from here on."""
        for instance in self._server.servers:
            if instance.is_running:
                await instance.stop()


@asynccontextmanager
async def running(
    ways: Ways,
    addon: RecordAddon,
    listeners: Sequence[Listener],
    *,
    host: str,
    confdir: Path,
    trusted_ca: str | None,
    hosts: HostRules,
    via: str | None,
    tell: Callable[[str], None],
) -> AsyncIterator[Proxy]:
    """The proxy, for as long as the block lasts. Raises RecorderError where a port cannot be had."""
    _make(confdir)
    ports = _ports(listeners, host)
    modes = [_mode(listener, number, ports[number], via) for number, listener in enumerate(listeners)]
    handler = _Errors(tell)
    logging.getLogger().addHandler(handler)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    opts = options.Options(
        mode=modes, listen_host=host, confdir=str(confdir), ssl_verify_upstream_trusted_ca=trusted_ca
    )
    if any(listener.way is Way.FORWARD for listener in listeners):
        # What is not recorded is not even decrypted.
        opts.update(ignore_hosts=hosts.passed_patterns())  # type: ignore[no-untyped-call]  # mitmproxy's own gap
    master = Master(opts, with_termlog=False)
    server, started = proxyserver.Proxyserver(), _Started()  # type: ignore[no-untyped-call]  # mitmproxy's own gap
    try:
        master.addons.add(  # type: ignore[no-untyped-call]  # mitmproxy's own gap
            core.Core(),
            disable_h2c.DisableH2C(),
            server,
            next_layer.NextLayer(),
            ways,
            tlsconfig.TlsConfig(),
            addon,
            started,
        )
        addon.reset = partial(_reset, server)
        mend(tell, was_reset=partial(_was_reset, server))
        opts.update(connection_strategy="lazy", keep_host_header=True)  # type: ignore[no-untyped-call]  # mitmproxy's own gap
        task = asyncio.create_task(master.run())
        await started.event.wait()
        _check(server)
        proxy = Proxy(server, tuple(ports))
        try:
            yield proxy
        finally:
            await proxy.stop_listening()
            master.should_exit.set()
            await asyncio.wait([task], timeout=GRACE)
    finally:
        logging.getLogger().removeHandler(handler)


def _mode(listener: Listener, number: int, port: int, via: str | None) -> str:
    if listener.way is Way.REVERSE:
        return f"reverse:http://{placeholder_host(number)}:1@{port}"
    return f"upstream:{via}@{port}" if via else f"regular@{port}"


def _was_reset(server: proxyserver.Proxyserver, client: Client, upstream: Connection) -> bool:
    """Whether an upstream that went away reset its connection: asyncio's reader knows."""
    handler = server.connections.get(client.id)
    io = handler.transports.get(upstream) if handler else None
    return io is not None and isinstance(io.reader, asyncio.StreamReader) and io.reader.exception() is not None


def _reset(server: proxyserver.Proxyserver, client: Client) -> None:
    """Reset a client's connection: RST where FIN would say that all is well."""
    handler = server.connections.get(client.id)
    io = handler.transports.get(client) if handler else None
    if io is not None and isinstance(io.writer, asyncio.StreamWriter):
        hard = io.writer.get_extra_info("socket")
        hard.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        io.writer.transport.abort()


def _make(confdir: Path) -> None:
    try:
        confdir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RecorderError(f"{confdir}: mitmproxy's CA cannot be kept there: {error.strerror}") from None


def _ports(listeners: Sequence[Listener], host: str) -> list[int]:
    """Free ports for those that may be any: mitmproxy refuses two listeners at port 0."""
    held: list[socket.socket] = []
    try:
        for listener in listeners:
            held.append(socket.create_server((host, listener.port)))
        return [one.getsockname()[1] for one in held]
    except OSError as error:
        raise RecorderError(
            f"cannot listen on {host}:{listener.port}: {error.strerror or error}; choose another with --port"
        ) from None
    finally:
        for one in held:
            one.close()


def _check(server: proxyserver.Proxyserver) -> None:
    for instance in server.servers:
        if instance.last_exception is not None:
            raise RecorderError(f"mitmproxy cannot listen: {instance.last_exception}")
