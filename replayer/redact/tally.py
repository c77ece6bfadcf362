"""Leaks of many interactions, those alike as one: what `scan` reports."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from replayer.errors import ExitStatus
from replayer.redact.scan import Certainty, Leak

__all__ = ["Find", "Tally"]

_PLACES = 5
_NUMBERS = re.compile(r"\[\d+\]|/\d+(?=/|\Z)")


@dataclass(slots=True)
class Find:
    """Leaks of one rule at one kind of place."""

    kind: str
    """The place, with its indices as `*`."""
    rule: str
    certainty: Certainty
    count: int = 0
    places: list[str] = field(default_factory=list)
    """The first few: `<cassette>#<n> <place>`."""


@dataclass(slots=True)
class Tally:
    """Add the leaks of interaction after interaction, then ask."""

    cassettes: int = 0
    interactions: int = 0
    unreadable: list[str] = field(default_factory=list)
    clean: list[str] = field(default_factory=list)
    """Cassettes in which nothing was found."""
    _finds: dict[tuple[str, str, Certainty], Find] = field(default_factory=dict)

    def add(self, cassette: str, index: int, leaks: list[Leak]) -> None:
        """What was found in one interaction."""
        self.interactions += 1
        for leak in leaks:
            kind = _NUMBERS.sub(lambda match: "[*]" if match[0][0] == "[" else "/*", leak.place)
            key = (kind, leak.rule, leak.certainty)
            find = self._finds.setdefault(key, Find(kind, leak.rule, leak.certainty))
            find.count += 1
            if len(find.places) < _PLACES:
                find.places.append(f"{cassette}#{index} {leak.place}")

    @property
    def finds(self) -> list[Find]:
        """Secrets before suspicions, the most frequent first."""
        return sorted(self._finds.values(), key=lambda find: (find.certainty is Certainty.SUSPICION, -find.count))

    def count(self, certainty: Certainty) -> int:
        """How many there are."""
        return sum(find.count for find in self._finds.values() if find.certainty is certainty)

    def status(self, fail_on: Certainty | None) -> ExitStatus:
        """1 where something was found that this run fails on."""
        if self.unreadable:
            return ExitStatus.UNREADABLE
        secrets, suspicions = self.count(Certainty.SECRET), self.count(Certainty.SUSPICION)
        if fail_on is not None and (secrets or (suspicions and fail_on is Certainty.SUSPICION)):
            return ExitStatus.DID_NOT_HOLD
        return ExitStatus.HELD if self.cassettes else ExitStatus.NOTHING_CHECKED
