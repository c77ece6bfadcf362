"""Drift: what a service says now, held against what it said when it was recorded.

Shapes are learned from all samples of both sides, operation by operation, so that optional fields and kinds of
objects are no drift. A status is compared between equal requests; streams and connections also by the kinds of their
messages and the order of these. Requests are not compared: they are ours. Reads no files and asks nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from replayer.cassette.model import Interaction, Sender
from replayer.contract.change import Change, ChangeKind
from replayer.contract.compare import compare
from replayer.contract.samples import Answers, Bodies, Key, Samples, key_of
from replayer.contract.stream import Stream
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.match.normalize import normalize
from replayer.match.rules import Rules

__all__ = ["Drift", "Named", "drift"]

Named = tuple[str, Interaction]
"""An interaction and the place that reports name: `<cassette>#<n>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The outcome of one comparison."""

    changes: tuple[Change, ...]
    """The gravest first."""
    compared: tuple[str, ...]
    """Operations and channels that both sides have."""
    missing: tuple[str, ...]
    """Those that only the old side has."""
    extra: tuple[str, ...]
    old: int
    """Interactions."""
    new: int

    def count(self, severity: Severity) -> int:
        return sum(change.severity is severity for change in self.changes)

    def status(self, fail_on: Severity = Severity.ERROR) -> ExitStatus:
        """What the run says to CI."""
        if any(change.severity.reaches(fail_on) for change in self.changes):
            return ExitStatus.DID_NOT_HOLD
        return ExitStatus.HELD if self.compared else ExitStatus.NOTHING_CHECKED


def drift(old: Sequence[Named], new: Sequence[Named]) -> Drift:
    """What changed from the old interactions to the new ones."""
    before, after = Samples().learn(old), Samples().learn(new)
    pairs, extra = _paired(before, after)
    missing = [key for key in before.keys() if key not in pairs]  # noqa: SIM118  (Samples is no mapping)
    changes: list[Change] = []
    statuses = _statuses(old, new)
    for ours, theirs in pairs.items():
        if ours in before.operations:
            operation = before.operations[ours]
            found = [*statuses.get(ours, ()), *_answers(operation.answers, after.operations[theirs].answers)]
            places = operation.places
        else:
            channel = before.channels[ours]
            said = [side.directions.get(Sender.SERVER, Stream()) for side in (channel, after.channels[theirs])]
            found = list(_streams(said[0], said[1], "frame"))
            places = channel.places
        changes += [
            replace(change, message=f"{ours} {change.message}".strip(), places=change.places or tuple(places))
            for change in found
        ]
    changes.sort(key=lambda change: list(Severity).index(change.severity), reverse=True)
    return Drift(
        changes=tuple(changes),
        compared=tuple(map(str, pairs)),
        missing=tuple(map(str, missing)),
        extra=tuple(map(str, extra)),
        old=before.interactions,
        new=after.interactions,
    )


def _paired(before: Samples, after: Samples) -> tuple[dict[Key, Key], list[Key]]:
    """Which key of the new side is which of the old: the same host, or another one where there is only one."""
    theirs = {key: key for key in after.keys()}  # noqa: SIM118  (Samples is no mapping)
    pairs = {key: theirs.pop(key) for key in before.keys() if key in theirs}  # noqa: SIM118  (the same)
    for key in before.keys():  # noqa: SIM118  (the same)
        others = [other for other in theirs if (other.method, other.path) == (key.method, key.path)]
        if key not in pairs and len(others) == 1:
            pairs[key] = theirs.pop(others[0])
    return pairs, list(theirs)


def _statuses(old: Sequence[Named], new: Sequence[Named]) -> Mapping[Key, list[Change]]:
    """Answers to equal requests, the first with the first, whose statuses differ."""
    waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for _, interaction in new:
        waiting[_request(interaction)].append(interaction.response.status)
    found: dict[tuple[Key, int, int], list[str]] = defaultdict(list)
    for where, interaction in old:
        answers = waiting.get(_request(interaction))
        if answers:
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            if status != interaction.response.status:
                found[key_of(interaction), interaction.response.status, status].append(where)
    changes: dict[Key, list[Change]] = defaultdict(list)
    for (key, ours, theirs), places in found.items():
        change = Change(kind=ChangeKind.STATUS, pointer="", old=str(ours), new=str(theirs), count=len(places))
        changes[key].append(replace(change, places=tuple(places[:5])))
    return changes


def _request(interaction: Interaction) -> tuple[str, ...]:
    return tuple(map(str, normalize(interaction.request, _RULES).key))


_RULES = Rules()


def _answers(old: Mapping[int, Answers], new: Mapping[int, Answers]) -> Iterator[Change]:
    for status, before in old.items():
        after = new.get(status)
        if after is None:
            continue
        media = set(before.bodies), set(after.bodies)
        if not media[0] & media[1] and all(media):
            told = [", ".join(name or "none" for name in sorted(side)) for side in media]
            yield Change(kind=ChangeKind.MEDIA, pointer="", old=told[0], new=told[1], message=str(status))
        for name, bodies in before.bodies.items():
            if name in after.bodies:
                yield from _bodies(bodies, after.bodies[name], str(status))


def _bodies(old: Bodies, new: Bodies, message: str) -> Iterator[Change]:
    for change in compare(old.shape, new.shape):
        yield replace(change, message=message)
    for change in _streams(old.stream, new.stream, "event"):
        yield replace(change, message=f"{message} {change.message}".strip())


def _streams(old: Stream, new: Stream, noun: str) -> Iterator[Change]:
    """`noun` is what a message of the stream is called."""
    if not old.count or not new.count:
        return
    for kind, shape in old.shapes.items():
        if kind in new.shapes:
            for change in compare(shape, new.shapes[kind]):
                yield replace(change, message=f"{noun} {kind}")
    before, after = old.names(), new.names()
    for name in sorted(after - before):
        yield Change(kind=ChangeKind.EVENT_ADDED, pointer="", old="nothing", new=name, message="stream")
    always = {name for name in before if all(name in order for order in old.orders)}
    for name in sorted(always - after):
        yield Change(kind=ChangeKind.EVENT_REMOVED, pointer="", old=name, new="nothing", message="stream")
    both = before & after
    for first, then in sorted(new.steps(both) - old.steps(both)):
        known = ", ".join(sorted(step for start, step in old.steps(both) if start == first)) or "nothing"
        told = Change(kind=ChangeKind.ORDER, pointer="", old=f"after {first}: {known}", new=f"after {first}: {then}")
        yield replace(told, message="stream")
        return  # one step out of order puts others out of order too
