"""mitmproxy, embedded: its core, our add-on, and none of its tools.

The rule: it connects upstream only when a request asks (`connection_strategy=lazy`), and keeps nothing but its CA, in
the folder that it is given. It knows nothing of cassettes; the add-on does.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mitmproxy import options
from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master

from replayer.errors import RecorderError
from replayer.record.addon import RecordAddon, placeholder_host
from replayer.record.upstreams import Listener

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
    addon: RecordAddon,
    listeners: Sequence[Listener],
    *,
    host: str,
    confdir: Path,
    trusted_ca: str | None,
    tell: Callable[[str], None],
) -> AsyncIterator[Proxy]:
    """The proxy, for as long as the block lasts. Raises RecorderError where a port cannot be had."""
    _make(confdir)
    ports = _ports(listeners, host)
    modes = [f"reverse:http://{placeholder_host(number)}:1@{port}" for number, port in enumerate(ports)]
    handler = _Errors(tell)
    logging.getLogger().addHandler(handler)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    opts = options.Options(
        mode=modes, listen_host=host, confdir=str(confdir), ssl_verify_upstream_trusted_ca=trusted_ca
    )
    master = Master(opts, with_termlog=False)
    server, started = proxyserver.Proxyserver(), _Started()  # type: ignore[no-untyped-call]  # mitmproxy's own gap
    try:
        master.addons.add(  # type: ignore[no-untyped-call]  # mitmproxy's own gap
            core.Core(), disable_h2c.DisableH2C(), server, next_layer.NextLayer(), tlsconfig.TlsConfig(), addon, started
        )
        opts.update(connection_strategy="lazy")  # type: ignore[no-untyped-call]  # mitmproxy's own gap
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
