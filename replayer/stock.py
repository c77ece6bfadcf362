"""The stock: what one run can play, made of what was loaded; another one takes its place when it is loaded anew.

The rule: it is made whole before anything of it is used, so that a reload is all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from replayer.cassette.model import Request, header
from replayer.errors import UsageError
from replayer.gateway.routes import Routes
from replayer.inputs import Loaded
from replayer.match.nearmiss import as_text, shorten
from replayer.match.player import Player, Repeat
from replayer.match.target import host_of, split_target
from replayer.record.upstreams import Upstream
from replayer.redact.redactor import Redactor

__all__ = ["Reloaded", "Stock", "stock_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What can be played."""

    player: Player
    routes: Routes
    names: frozenset[str]
    """Of the cassettes."""
    paths: frozenset[str]
    """That were recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a reload changed."""

    cassettes: int
    interactions: int
    added: int
    gone: int
    same: Mapping[int, int]
    """Ordinals of the old player to those of the new one, of interactions that are still there."""

    @classmethod
    def of(cls, old: Player, new: Player) -> Reloaded:
        """The difference between two players: an interaction is the same at the same place with the same content."""
        places = new.ordinals()
        same = {
            ordinal: places[place]
            for place, ordinal in old.ordinals().items()
            if place in places and new.interaction(places[place]) == old.interaction(ordinal)
        }
        return cls(
            cassettes=len(new.names),
            interactions=len(new),
            added=len(new) - len(same),
            gone=len(old) - len(same),
            same=same,
        )

    def __str__(self) -> str:
        return (
            f"{self.cassettes} cassettes, {self.interactions} interactions "
            f"({self.added} new or changed, {self.gone} gone)"
        )


def stock_of(
    loaded: Loaded, *, repeat: Repeat | None, pace: str | None, upstreams: Sequence[Upstream], redactor: Redactor
) -> Stock:
    """Everything that was loaded, indexed. `repeat` and `pace` go before the configuration's; `upstreams` are given.

    Raises ConfigError and UsageError for what cannot be.
    """
    player = Player(
        loaded.cassettes,
        repeat=repeat or Repeat(loaded.config.repeat),
        show=lambda value: shorten(redactor.text(as_text(value))),
        redact=lambda request: _veiled(redactor, request),
    )
    config = loaded.config if pace is None else replace(loaded.config, pace=pace)
    named = _upstreams(loaded, upstreams)
    routes = Routes(config, upstreams=named, hosts={host_of(uri) for uri in _uris(loaded)})
    for rules in routes.rules():
        player.prepare(rules)
    return Stock(
        player=player,
        routes=routes,
        names=frozenset(name for name, _ in loaded.cassettes),
        paths=frozenset(split_target(uri).path for uri in _uris(loaded)),
    )


def _uris(loaded: Loaded) -> Iterator[str]:
    return (found.request.uri for _, cassette in loaded.cassettes for found in cassette.interactions)


def _upstreams(loaded: Loaded, given: Sequence[Upstream]) -> dict[str, str]:
    """Names to base URLs. UsageError where one name has two."""
    upstreams = {upstream.name: upstream.url for upstream in given}
    for name, cassette in loaded.cassettes:
        for upstream, base in cassette.metadata.upstreams.items() if cassette.metadata else ():
            if upstreams.setdefault(upstream, base) == base:
                continue
            if any(one.name == upstream for one in given):
                raise UsageError(
                    f"{name}: the upstream {upstream!r} was recorded from {base}, and --upstream says "
                    f"{upstreams[upstream]}: give it another name"
                )
            raise UsageError(
                f"{name}: the upstream {upstream!r} is {base} here and {upstreams[upstream]} in another cassette: "
                "replay them one after the other, or rename it in one of them"
            )
    return upstreams


def _veiled(redactor: Redactor, request: Request) -> Request:
    """A request as it may be shown."""
    body = None if request.body is None else redactor.body(request.body, header(request.headers, "content-type"))
    return replace(request, uri=redactor.uri(request.uri), headers=redactor.headers(request.headers), body=body)
