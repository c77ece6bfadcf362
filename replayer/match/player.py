"""The player: which recorded interaction answers a request, and what comes nearest where none does.

The rule: a look-up costs the same at 100 and at 100,000 interactions, and nothing leaks between sessions: what was
played stands in the session's own `PlayState`. The player itself changes only by `learn`: what was just recorded is
played after all that it knew. It knows no journal and no sockets: an entry is a number, an answer is a `Hit` or a
`Miss`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from replayer.cassette.model import Cassette, Interaction, Request
from replayer.match.hosts import hinted
from replayer.match.index import Index, Known, Recorded, Row
from replayer.match.jsondiff import ABSENT, Change
from replayer.match.nearmiss import Asked, Nearest, NearMiss, Show, shorten
from replayer.match.playstate import PlayState, Repeat
from replayer.match.rules import NO_RULES, Rules
from replayer.match.target import host_of
from replayer.match.unstored import Unstored

__all__ = ["Hit", "Miss", "PlayState", "Player", "Repeat"]

_NEAREST = 5


class Hit(NamedTuple):
    """The interaction that answers."""

    cassette: str
    number: int
    """In its cassette, from 0."""
    interaction: Interaction
    played: int
    """How often this session has played it, this time included."""

    @property
    def name(self) -> str:
        """`<cassette>#<n>`, as the header `Replayer-Interaction` has it."""
        return f"{self.cassette}#{self.number}"


class Miss:
    """Nothing answers. Those that only were used up stand among the nearest with `used_up`.

    What comes nearest costs more than the look-up, and who asks upstream instead does not want it: `find` is called
    when it is first asked for.
    """

    __slots__ = ("_find", "_nearest")

    def __init__(self, find: Callable[[], tuple[NearMiss, ...]]) -> None:
        self._find = find
        self._nearest: tuple[NearMiss, ...] | None = None

    @property
    def nearest(self) -> tuple[NearMiss, ...]:
        """The nearest first."""
        if self._nearest is None:
            self._nearest = self._find()
        return self._nearest

    @property
    def used_up(self) -> tuple[NearMiss, ...]:
        """Interactions that match in everything, and by which entry each was played."""
        return tuple(near for near in self.nearest if near.used_up)


def _as_it_is(request: Request) -> Request:
    return request


class Player:
    """Cassettes, indexed. `cassettes` are (name, cassette) in the order of playing.

    `show` turns a value of a request into a short text without secrets, and `redact` takes the secrets out of a whole
    request: both are used for explaining a miss only, never for matching.
    """

    def __init__(
        self,
        cassettes: Sequence[tuple[str, Cassette]],
        *,
        rules: Rules | None = None,
        repeat: Repeat = Repeat.LAST,
        show: Show = shorten,
        redact: Callable[[Request], Request] = _as_it_is,
    ) -> None:
        self.names = tuple(name for name, _ in cassettes)
        """Of the cassettes, in the order of playing."""
        self._recorded = list(_in_order(cassettes))
        self.unstored = Unstored()
        """Request bodies that are known by their digest."""
        for entry in self._recorded:
            self.unstored.learn(entry.interaction.request)
        self._lengths = {name: len(cassette.interactions) for name, cassette in cassettes}
        self._rules = NO_RULES if rules is None else rules
        self._repeat = repeat
        self.show = show
        """A value as a short text without secrets."""
        self._redact = redact
        self._ids = count()
        self._indices: dict[Rules, Index] = {}
        self._nearest: dict[Rules, Nearest] = {}
        self.prepare(self._rules)
        self._own = self._indices[self._rules]

    def prepare(self, rules: Rules) -> None:
        """Build the index of a set of rules now rather than at the first request that needs it."""
        if rules not in self._indices:
            index = self._indices[rules] = Index(self._recorded, rules, self._ids)
            self._nearest[rules] = Nearest(self._recorded, index, show=self.show, redact=self._redact)

    def spelled(self, request: Request, rules: Rules) -> Mapping[bytes | None, Known] | None:
        """What is kept for requests that are spelled as some were recorded, by their bodies; None where none was.

        It stays as it is, and grows with what is learnt.
        """
        return self._index(rules).spelled(request)

    def learn(self, cassette: str, interaction: Interaction) -> int:
        """From now on this answers too, after all others of its kind: the ordinal that it has in a `PlayState`."""
        number = self._lengths.get(cassette, 0)
        self._lengths[cassette] = number + 1
        if cassette not in self.names:
            self.names = (*self.names, cassette)
        ordinal = len(self._recorded)
        self.unstored.learn(interaction.request)
        self._recorded.append(Recorded(cassette, number, interaction, host_of(interaction.request.uri)))
        for rules, index in self._indices.items():
            index.learn(ordinal)
            self._nearest[rules] = Nearest(self._recorded, index, show=self.show, redact=self._redact)
        return ordinal

    def ordinals(self) -> dict[tuple[str, int], int]:
        """The ordinal of each interaction, by its cassette and its index there."""
        return {(entry.cassette, entry.number): ordinal for ordinal, entry in enumerate(self._recorded)}

    def place(self, ordinal: int) -> int:
        """The index of an ordinal's interaction in its cassette."""
        return self._recorded[ordinal].number

    def interaction(self, ordinal: int) -> Interaction:
        """The interaction of an ordinal."""
        return self._recorded[ordinal].interaction

    def answer(
        self,
        request: Request,
        *,
        state: PlayState,
        entry: int,
        cassettes: frozenset[str] | None = None,
        host: str | None = None,
        rules: Rules | None = None,
        repeat: Repeat | None = None,
        known: Known | None = None,
    ) -> Hit | Miss:
        """What answers `request` now, noted in `state` as played for the journal's `entry`.

        `cassettes` narrows to those names. `host` (a host, `host:port` or a URL) is a demand: only what was recorded
        from it answers; without one any recorded host does, and where several do, the request's own headers choose.
        `rules` and `repeat` of a route stand in for the player's own. `known` is what `spelled` has of it, if it was
        asked.
        """
        rules = self._rules if rules is None else rules
        index = self._index(rules)
        exhausted: Sequence[int] = ()
        row = index.row(request, index.known(request) if known is None else known)
        if row is not None:
            narrowed = index.narrowed(row, cassettes, self._hosts(request, host, index, row))
            ordinal = state.take(narrowed, repeat=self._repeat if repeat is None else repeat, entry=entry)
            if ordinal is not None:
                found = self._recorded[ordinal]
                played = state.times[ordinal]
                return Hit(found.cassette, found.number, found.interaction, played)
            exhausted = narrowed.ordinals
        asked = Asked(
            request=request,
            host=host_of(host) if host is not None else "",
            cassettes=cassettes,
            exhausted=exhausted,
            used_by=state.used_by,
        )
        return Miss(partial(self._nearest[rules].find, asked, limit=_NEAREST))

    def shown(self, change: Change) -> dict[str, str | None]:
        """Both sides of a difference as they may be shown: short, without secrets; None for nothing."""
        return {
            "recorded": None if change.recorded is ABSENT else self.show(change.recorded),
            "asked": None if change.asked is ABSENT else self.show(change.asked),
        }

    def interactions(self) -> Iterator[tuple[str, int, Interaction]]:
        """Everything that is loaded: name, index from 0, interaction; in the order of playing."""
        return ((entry.cassette, entry.number, entry.interaction) for entry in self._recorded)

    def unplayed(self, state: PlayState) -> Iterator[tuple[str, int, Interaction]]:
        """What a session has not played."""
        for ordinal, (cassette, number, interaction, _) in enumerate(self._recorded):
            if ordinal not in state.used_by:
                yield cassette, number, interaction

    def __len__(self) -> int:
        return len(self._recorded)

    def _index(self, rules: Rules) -> Index:
        if rules is self._rules:  # most requests: no hash of the rules for them
            return self._own
        if rules not in self._indices:
            self.prepare(rules)
        return self._indices[rules]

    def _hosts(self, request: Request, host: str | None, index: Index, row: Row) -> frozenset[str] | None:
        """Whose answers of a row may be played; None for anybody's."""
        if host is not None:
            return frozenset((host_of(host),))
        if len(row.ordinals) == 1:
            return None
        hosts = index.hosts(row)
        return hinted(request, hosts) if len(hosts) > 1 else None


def _in_order(cassettes: Sequence[tuple[str, Cassette]]) -> Iterator[Recorded]:
    """Cassette by cassette as given, each by `at`; one without a time stays behind its neighbour in the file."""
    for name, cassette in cassettes:
        timed: list[tuple[float, int, Interaction]] = []
        last = 0.0
        for index, interaction in enumerate(cassette.interactions):
            last = interaction.response.at if interaction.response.at is not None else last
            timed.append((last, index, interaction))
        timed.sort(key=lambda found: found[:2])
        for _, index, interaction in timed:
            yield Recorded(name, index, interaction, host_of(interaction.request.uri))
