"""Upstreams: whether a request may go to a real server, and to which. Pure.

The rule: without upstreams that were named on the command line nothing ever goes upstream, and a request that means
none of them, or could mean several, does not either. Only where a forward proxy was asked for, a request through it may
go to whatever host it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from replayer.gateway.routes import Route
from replayer.match.target import host_of

__all__ = ["Asking", "Keeping", "Naming", "Reach", "Upstreams"]


class Asking(StrEnum):
    """Which requests go upstream."""

    MISSES = "misses"
    """Those that nothing recorded answers."""
    ALWAYS = "always"


class Keeping(StrEnum):
    """What becomes of an upstream's answer."""

    RECORDED = "recorded"
    NOTHING = "nothing"


class Naming(StrEnum):
    """Who says which servers there are."""

    UPSTREAMS = "upstreams"
    """The command line."""
    CLIENTS = "clients"
    """Each request through the forward proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where one upstream is reached."""

    name: str
    url: str
    """The upstream's own base URL."""
    through: str
    """The base URL that is really asked: the upstream's own, or the recorder's for it."""

    @property
    def host(self) -> str:
        """As matching spells it."""
        return host_of(self.url)

    @property
    def base(self) -> str:
        """The path that all paths of the upstream begin with; empty for most."""
        return "/" + path if (path := self.url.partition("://")[2].partition("/")[2].rstrip("/")) else ""

    def address(self, target: str) -> str:
        """The URL to ask for a target as it would be recorded."""
        return self.through.rstrip("/") + target.removeprefix(self.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """The real servers that one gateway may ask."""

    asking: Asking
    keeping: Keeping
    reaches: Mapping[str, Reach]
    naming: Naming = Naming.UPSTREAMS

    def of(self, route: Route, scheme: str) -> Reach | None:
        """Whom a request of this route means; None where it names nobody of ours, or might mean several.

        `scheme` is `http` or `https`, as the request came.
        """
        if self.naming is Naming.CLIENTS:
            return None if route.host is None else self._toward(host_of(route.host), scheme)
        if route.upstream is not None and route.upstream in self.reaches:
            return self.reaches[route.upstream]
        if route.host is not None:
            return next((reach for reach in self.reaches.values() if reach.host == host_of(route.host)), None)
        return next(iter(self.reaches.values())) if len(self.reaches) == 1 else None

    def _toward(self, host: str, scheme: str) -> Reach:
        """A host that a client names, by the name that the command line has for it."""
        name = next((reach.name for reach in self.reaches.values() if reach.host == host), host)
        url = f"{scheme}://{host}"
        return Reach(name=name, url=url, through=url)

    @property
    def told(self) -> str:
        """Their names, for messages."""
        return ", ".join(self.reaches)
