"""The index: from a request to the row of interactions that answer it, at the cost of a few dictionary look-ups.

The rule: nothing here scans. A row is what one request may be answered by, in the order of playing; it is narrowed to
some cassettes or a host once, and the narrowed row is kept. Built once for each set of rules; what is recorded while it
is asked is added to the rows that there are, so that no position that a session holds changes its meaning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from replayer.cassette.model import Interaction, Request
from replayer.match.normalize import WEBSOCKET, Key, Normal, normalize
from replayer.match.placeholders import Shape, blank, fits, patterns_of, shape_of
from replayer.match.rules import Rules
from replayer.match.verbatim import Spelling, spelling

__all__ = ["Index", "Known", "Recorded", "Row"]

_VIEWS_KEPT = 256
_Part = tuple[frozenset[str] | None, frozenset[str] | None]
"""Cassettes and hosts to which a row is narrowed; None: any."""


class Recorded(NamedTuple):
    """One interaction and where it stands. Its ordinal is its place in the order of playing."""

    cassette: str
    number: int
    """In its cassette, from 0."""
    interaction: Interaction
    host: str


class Row:
    """What one request may be answered by: ordinals, in the order of playing."""

    __slots__ = ("_hosts", "_views", "id", "ordinals")

    def __init__(self, id: int, ordinals: Sequence[int]) -> None:
        self.id = id
        self.ordinals = list(ordinals)
        self._hosts: frozenset[str] | None = None
        self._views: dict[_Part, Row] = {}

    def grow(self, ordinal: int, entry: Recorded) -> None:
        """One more answers, after all others: of the row, and of its parts that it belongs to."""
        self.ordinals.append(ordinal)
        if self._hosts is not None and entry.host not in self._hosts:
            self._hosts |= {entry.host}
        for part, view in list(self._views.items()):
            if view is self and not _belongs(entry, part):
                del self._views[part]  # it was all of the row until now
            elif view is not self and _belongs(entry, part):
                view.grow(ordinal, entry)


class Known:
    """What was worked out for the requests of one recorded spelling, each once. Only what is recorded has one, so that
    nothing here grows with what is asked."""

    __slots__ = ("age", "judged", "row")

    def __init__(self) -> None:
        self.row: Row | None = None
        """Once one was looked up."""
        self.age = 0
        """How much the index knew then."""
        self.judged: tuple[str | None, tuple[Any, ...]] | None = None
        """For whoever judges requests: of which service's, and the verdict; nobody reads it here."""


class Index:
    """Rows by key, for one set of rules."""

    def __init__(self, recorded: Sequence[Recorded], rules: Rules, ids: count[int]) -> None:
        self.rules = rules
        self.by_path: dict[str, list[int]] = defaultdict(list)
        """For near misses: ordinals by normalised path."""
        self._recorded = recorded
        self._ids = ids
        self._merged: dict[tuple[int, ...], Row] = {}
        self._shapes: dict[tuple[str, str | int], list[Shape]] = defaultdict(list)
        self._age = 0  # grows when what is kept for a spelling may not hold any more
        exact: dict[Key, list[int]] = defaultdict(list)
        shaped: dict[tuple[Shape, Key], dict[tuple[object, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
        for ordinal, entry in enumerate(recorded):
            normal = self.normal(entry)
            self.by_path[normal.path].append(ordinal)
            shape = shape_of(normal)
            if shape is None:
                exact[normal.key].append(ordinal)
                continue
            key = blank(normal, shape)
            if key is not None:
                self._learn(shape, normal)
                shaped[shape, key][patterns_of(normal, shape)].append(ordinal)
        self._exact = {key: self._row(found) for key, found in exact.items()}
        self._shaped = {
            key: [(patterns, self._row(found)) for patterns, found in rows.items()] for key, rows in shaped.items()
        }
        self._known: dict[Spelling, dict[bytes | None, Known]] = defaultdict(dict)
        for entry in recorded:
            self._spell(entry)

    def normal(self, entry: Recorded) -> Normal:
        """A recorded request, spelled in one way."""
        normal = normalize(entry.interaction.request, self.rules)
        return normal._replace(method=WEBSOCKET) if entry.interaction.is_websocket else normal

    def known(self, request: Request) -> Known | None:
        """What is kept for a request that is spelled as one was recorded; None for any other."""
        if request.omitted is not None:
            return None
        bodies = self.spelled(request)
        return None if bodies is None else bodies.get(request.body)

    def spelled(self, request: Request) -> Mapping[bytes | None, Known] | None:
        """What is kept for requests that are spelled as some were recorded, by their bodies; None where none was."""
        return self._known.get(spelling(request, self.rules.match_headers))

    def row(self, request: Request, known: Known | None) -> Row | None:
        """What answers a request; None where nothing does. `known` is what is kept for it."""
        if known is None:
            return self._look_up(normalize(request, self.rules))
        if known.row is None or known.age != self._age:
            known.row, known.age = self._look_up(normalize(request, self.rules)), self._age
        return known.row

    def learn(self, ordinal: int) -> None:
        """Take in what the recorded interactions have grown by: the last of them."""
        entry = self._recorded[ordinal]
        normal = self.normal(entry)
        self.by_path[normal.path].append(ordinal)
        shape = shape_of(normal)
        key = normal.key if shape is None else blank(normal, shape)
        if shape is None:
            self._grow(self._exact, normal.key, ordinal, entry)
        elif key is not None:
            self._learn(shape, normal)
            candidates = self._shaped.setdefault((shape, key), [])
            patterns = patterns_of(normal, shape)
            known = next((row for others, row in candidates if others == patterns), None)
            if known is None:
                candidates.append((patterns, self._row((ordinal,))))
            else:
                known.grow(ordinal, entry)
        self._merged.clear()
        if self._shapes:  # what was spelled so may now be answered by two rows together
            self._age += 1
        self._spell(entry)

    def narrowed(self, row: Row, cassettes: frozenset[str] | None, hosts: frozenset[str] | None) -> Row:
        """The part of a row that lies in some cassettes and was recorded from some hosts (None: any)."""
        if cassettes is None and hosts is None:
            return row
        views = row._views
        view = views.get((cassettes, hosts))
        if view is None:
            part = (cassettes, hosts)
            kept = [ordinal for ordinal in row.ordinals if _belongs(self._recorded[ordinal], part)]
            view = row if len(kept) == len(row.ordinals) else self._row(kept)
            if len(views) >= _VIEWS_KEPT:
                views.clear()
            views[cassettes, hosts] = view
        return view

    def hosts(self, row: Row) -> frozenset[str]:
        """Whose answers stand in a row."""
        if row._hosts is None:
            row._hosts = frozenset(self._recorded[ordinal].host for ordinal in row.ordinals)
        return row._hosts

    def _spell(self, entry: Recorded) -> None:
        """Keep a place for what will be known of the requests that repeat a recorded one; a connection has none, nor
        has one whose body was not stored.
        """
        request = entry.interaction.request
        if not entry.interaction.is_websocket and request.omitted is None:
            self._known[spelling(request, self.rules.match_headers)].setdefault(request.body, Known()).row = None

    def _row(self, ordinals: Sequence[int]) -> Row:
        return Row(next(self._ids), ordinals)

    def _grow(self, rows: dict[Key, Row], key: Key, ordinal: int, entry: Recorded) -> None:
        row = rows.get(key)
        if row is None:
            rows[key] = self._row((ordinal,))
        else:
            row.grow(ordinal, entry)

    def _learn(self, shape: Shape, normal: Normal) -> None:
        known = self._shapes[normal.method, normal.path.count("/") if shape.segments else normal.path]
        if shape not in known:
            known.append(shape)

    def _look_up(self, normal: Normal) -> Row | None:
        exact = self._exact.get(normal.key)
        if not self._shapes:
            return exact
        rows = [] if exact is None else [exact]
        for place in (normal.path, normal.path.count("/")):
            for shape in self._shapes.get((normal.method, place), ()):
                key = blank(normal, shape)
                candidates = self._shaped.get((shape, key)) if key is not None else None
                if candidates:
                    asked = patterns_of(normal, shape)
                    rows.extend(row for patterns, row in candidates if all(map(fits, patterns, asked)))
        return rows[0] if len(rows) == 1 else self._together(rows)

    def _together(self, rows: list[Row]) -> Row | None:
        """One row of several: a request may fit an exact recording and one with a placeholder."""
        if not rows:
            return None
        ids = tuple(row.id for row in rows)
        if ids not in self._merged:
            self._merged[ids] = self._row(sorted(ordinal for row in rows for ordinal in row.ordinals))
        return self._merged[ids]


def _belongs(entry: Recorded, part: _Part) -> bool:
    cassettes, hosts = part
    return (cassettes is None or entry.cassette in cassettes) and (hosts is None or entry.host in hosts)
