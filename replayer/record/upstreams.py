"""Which upstreams there are, at which listener and under which prefix each is reached. Pure.

Forward: one listener is a proxy for every host; a named upstream only gives its host a name.

Reverse, `NAME=URL`: the upstreams without a port of their own share one listener; if they are several, each is reached
under `/NAME/…`, a single one without a prefix. `NAME=URL@PORT` has a listener of its own, without a prefix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from replayer.errors import UsageError

__all__ = ["Listener", "Target", "Upstream", "Way", "listeners", "parse", "proxy_address"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*", re.IGNORECASE)
_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_PORTS = {"http": 80, "https": 443}


class Way(StrEnum):
    """How clients come in."""

    REVERSE = "reverse"
    """By the base URL of an upstream."""
    FORWARD = "forward"
    """By proxy variables such as HTTPS_PROXY."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A server that is recorded. `url` has no trailing slash; `port` is the listener's own, or None."""

    name: str
    url: str
    port: int | None = None

    @property
    def scheme(self) -> str:
        """`http` or `https`; a WebSocket is upgraded from there."""
        return _SCHEMES[urlsplit(self.url).scheme]

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def host_port(self) -> int:
        return urlsplit(self.url).port or _PORTS[self.scheme]

    @property
    def path(self) -> str:
        """What the upstream's own paths begin with; empty for most."""
        return urlsplit(self.url).path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes."""

    upstream: Upstream
    path: str
    """With its query."""

    def uri(self, *, websocket: bool) -> str:
        """The upstream's own URI; the port stands in it where it is not the scheme's."""
        scheme = self.upstream.scheme
        shown = scheme.replace("http", "ws") if websocket else scheme
        return f"{shown}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.upstream.host}]" if ":" in self.upstream.host else self.upstream.host
        port = self.upstream.host_port
        return host if port == _PORTS[self.upstream.scheme] else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A port of ours, and what is reached there. `port` 0 means any free one."""

    port: int
    upstreams: tuple[Upstream, ...]
    way: Way = Way.REVERSE

    @property
    def prefixed(self) -> bool:
        return self.way is Way.REVERSE and len(self.upstreams) > 1

    def toward(self, scheme: str, host: str, port: int, path: str) -> Target:
        """Where a forwarded request goes: to the host that it names, under that host's name."""
        for upstream in self.upstreams:
            if (upstream.scheme, upstream.host, upstream.host_port) == (scheme, host.lower(), port):
                return Target(upstream=upstream, path=path)
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return Target(upstream=Upstream(name=host, url=f"{scheme}://{authority}"), path=path)

    def target(self, path: str) -> Target | None:
        """Where a request for `path` (with its query) goes; None if no upstream has that prefix."""
        if not self.prefixed:
            return Target(upstream=self.upstreams[0], path=self.upstreams[0].path + path)
        for upstream in self.upstreams:
            prefix = f"/{upstream.name}"
            rest = path[len(prefix) :]
            if path.startswith(prefix) and rest[:1] in ("", "/", "?"):
                return Target(upstream=upstream, path=upstream.path + (rest if rest.startswith("/") else "/" + rest))
        return None


def parse(text: str) -> Upstream:
    """`NAME=URL` or `NAME=URL@PORT`. Raises UsageError."""
    name, equals, url = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise UsageError(f"--upstream {text}: write NAME=URL, such as openai=https://api.openai.com")
    port = None
    address, at, digits = url.rpartition("@")
    if at and digits.isdigit():
        url, port = address, int(digits)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0 and (port or 0) <= 65535
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment:
        raise UsageError(
            f"--upstream {text}: {url!r} is no address of an upstream; it is a scheme (http, https, ws, wss), a host "
            f"and perhaps a port and a path"
        )
    if parts.username is not None:
        raise UsageError(f"--upstream {name}=…: leave user and password out of the URL; the client sends its own")
    return Upstream(name=name, url=url.rstrip("/"), port=port)


def proxy_address(url: str, named: str) -> str:
    """`http://HOST:PORT` of a proxy; `named` is where the user said it. UsageError for what is none.

    mitmproxy takes neither a path nor credentials there.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        sound = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        sound = False
    if not sound:
        shown = url.rpartition("@")[2]
        raise UsageError(f"{named} {shown}: write the address of a proxy as http://HOST:PORT, without credentials")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def listeners(upstreams: Sequence[Upstream], port: int, way: Way = Way.REVERSE) -> tuple[Listener, ...]:
    """The shared listener first. Raises UsageError for a name or a port that is used twice, or for none at all."""
    names = [upstream.name for upstream in upstreams]
    if not names and way is Way.REVERSE:
        raise UsageError(
            "say what to record: --upstream NAME=URL, such as openai=https://api.openai.com, or --forward for "
            "whatever the clients reach through a proxy"
        )
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two upstreams have the name {name!r}")
    if way is Way.FORWARD:
        for upstream in upstreams:
            if upstream.port is not None:
                raise UsageError(f"--upstream {upstream.name}=…@{upstream.port}: with --forward there is one listener")
        return (Listener(port=port, upstreams=tuple(upstreams), way=way),)
    shared = tuple(upstream for upstream in upstreams if upstream.port is None)
    own = [Listener(port=u.port, upstreams=(u,)) for u in upstreams if u.port is not None]
    every = (*([Listener(port=port, upstreams=shared)] if shared else []), *own)
    ports = [listener.port for listener in every if listener.port]
    for number in ports:
        if ports.count(number) > 1:
            raise UsageError(f"two listeners have the port {number}")
    return every
