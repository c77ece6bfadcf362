"""Routes: from a request's path to what answers it, and from whom it was recorded. Pure.

The rule: the longest prefix wins, then the first in the file. Without a route, a path matches whatever host was
recorded; `/{upstream}/…` and the header `Replayer-Upstream` name the host.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from replayer.config import Config
from replayer.errors import UsageError, closest
from replayer.faults.pacing import Pace
from replayer.match.conversation import Gate
from replayer.match.rules import NO_RULES, Rules
from replayer.match.target import host_of

__all__ = ["Route", "Routes", "UnknownUpstream"]


class UnknownUpstream(UsageError):
    """A request names an upstream that nobody recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How requests of one kind are played."""

    prefix: str = "/"
    host: str | None = None
    """The recorded host, or None where any will do."""
    upstream: str | None = None
    """The name of the upstream that is meant, where one is."""
    base: str = ""
    """What the recorded paths begin with, and the asked ones do not."""
    rules: Rules = NO_RULES
    gate: Gate = Gate.ORDER
    """Of recorded connections."""
    pace: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A recorded host by its name."""

    host: str
    base: str


class Routes:
    """The routes of one gateway."""

    def __init__(self, config: Config, *, upstreams: Mapping[str, str], hosts: Collection[str]) -> None:
        """`upstreams` maps names to base URLs (cassettes' metadata); `hosts` are all that were recorded.

        ConfigError for a rule or a pace that is not understood; UnknownUpstream for a route to nobody.
        """
        self._pace = Pace.parse(config.pace)
        self._upstreams = {name: _upstream(url) for name, url in upstreams.items()}
        self._hosts = frozenset(hosts)
        played = [
            Route(
                prefix=route.prefix,
                host=None if route.upstream is None else self._named(route.upstream).host,
                upstream=route.upstream,
                rules=Rules.of(ignore=route.ignore, ignore_query=route.ignore_query, match_headers=route.match_headers),
                gate=Gate(route.gate),
                pace=self._pace if route.pace is None else Pace.parse(route.pace),
            )
            for route in config.played
        ]
        self._played = sorted(played, key=lambda route: -len(route.prefix))
        self._plain = Route(pace=self._pace, base=self._only_base())
        self._by_upstream = {
            name: Route(host=upstream.host, upstream=name, base=upstream.base, pace=self._pace)
            for name, upstream in self._upstreams.items()
        }

    def rules(self) -> frozenset[Rules]:
        """All rules that routes have, so that their indices can be built before the first request."""
        return frozenset(route.rules for route in self._played)

    def of(self, target: str, upstream: str | None = None, *, host: str | None = None) -> tuple[str, Route]:
        """The target as it was recorded, and its route. `upstream` is the request's own word for it.

        `host` is whom a proxy was asked for: such a target is the recorded one already. UnknownUpstream where
        `upstream` names nobody.
        """
        if host is not None and upstream is None:
            path = target.partition("?")[0]
            below = next((route for route in self._played if _below(path, route.prefix)), self._plain)
            return target, replace(below, host=host, upstream=None, base="")
        if upstream is None and not self._played and not self._by_upstream and not self._plain.base:
            return target, self._plain
        path, question, query = target.partition("?")
        named = None if upstream is None else self._named(upstream)
        if named is None:
            first, slash, rest = path[1:].partition("/")
            route = self._by_upstream.get(first)
            if route is not None:
                return f"{route.base}{slash}{rest}{question}{query}" if slash else f"{route.base}/", route
        route = next((route for route in self._played if _below(path, route.prefix)), self._plain)
        if named is not None:
            route = replace(route, host=named.host, upstream=upstream, base=named.base)
        if route.base and not _below(path, route.base):
            return f"{route.base}{target}", route
        return target, route

    def _named(self, name: str) -> Upstream:
        upstream = self._upstreams.get(name)
        if upstream is not None:
            return upstream
        host = host_of(name)
        if host in self._hosts:
            return Upstream(host=host, base="")
        known = sorted({*self._upstreams, *self._hosts})
        raise UnknownUpstream(
            f"nothing was recorded from an upstream {name!r}{closest(name, known)} "
            f"(recorded: {', '.join(known) or 'none'})"
        )

    def _only_base(self) -> str:
        """A single upstream was recorded without a prefix of its own: its base path is ours to put in front."""
        bases = {upstream.base for upstream in self._upstreams.values()}
        return bases.pop() if len(self._upstreams) == 1 else ""


def _upstream(url: str) -> Upstream:
    parts = urlsplit(url)
    return Upstream(host=parts.netloc.rpartition("@")[2], base=parts.path.rstrip("/"))


def _below(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or lies below it: `/v1` holds `/v1/models`, not `/v10`."""
    if not path.startswith(prefix):
        return False
    return len(path) == len(prefix) or prefix.endswith("/") or path[len(prefix)] == "/"
