"""`python -m tests.contract.mutations`: what was agreed, broken in every way, and how much of that `verify` finds.

Generated, for every bundled schema: a required field removed or renamed, a type changed, an enumeration's value
invented; for every message that a document binds, the same through a whole cassette; for every kind of stream, events
out of order; and real answers and streams, where the corpus of them is there. A survivor is a mutation that nothing
found: each is listed, with the reason why it may survive; one without a reason ends the command with 1.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from replayer.cassette.model import (
    Cassette,
    End,
    Frame,
    FrameKind,
    Headers,
    Interaction,
    Metadata,
    Omitted,
    Origin,
    Request,
    Response,
    Sender,
)
from replayer.contract.asyncapi import Channel
from replayer.contract.events import EventKind, Events
from replayer.contract.openapi import Content, Operation
from replayer.contract.order import Order
from replayer.contract.registry import BASE, bundled
from replayer.contract.schema import Schema
from replayer.contract.verify import verify
from replayer.contract.violation import Severity
from tests.contract.examples import Demand, Example, Turns, everything, example, schema_names

__all__ = ["Score", "exchanges", "messages", "mutants", "streams"]

CONTRACT = bundled()
NAMES = schema_names()
WRONG: dict[str, Any] = {"null": None, "object": {}, "string": "text", "number": 0.25, "array": [], "boolean": True}
"""A value of each type, in the order in which they are tried. 0.25 is wrong for an integer too."""

TYPES = 2
"""Wrong types tried of each value."""

EXPLAINED = {
    f"casola/queue/job.json payload: task {how}": "POST /jobs takes any payload; without a task nothing is known"
    for how in ("removed", "renamed")
} | {
    "gemini POST /models/{model}:streamGenerateContent event error: error removed": "without it the event is an answer "
    "in which nothing is required"
}
"""Survivors, and why they may survive."""


@dataclass(slots=True)
class Score:
    """How many mutations were made, by kind, and which of them nothing found."""

    what: str
    made: Counter[str] = field(default_factory=Counter)
    survivors: dict[str, str | None] = field(default_factory=dict)
    """Each with the reason why it may survive."""
    wrong: list[str] = field(default_factory=list)
    """What was found before anything was mutated: then there is no score."""

    def take(self, kind: str, name: str, *, found: bool, why: str | None = None) -> None:
        self.made[kind] += 1
        if not found:
            self.survivors[name] = why or EXPLAINED.get(name)

    @property
    def unexplained(self) -> list[str]:
        return [*self.wrong, *(survivor for survivor, why in self.survivors.items() if why is None)]

    @property
    def told(self) -> list[str]:
        """The score and its survivors, for people."""
        total = self.made.total()
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.made.items()))
        lines = [f"{self.what}: {total - len(self.survivors):,} of {total:,} found ({kinds})"]
        lines += [f"  not found: {one}: {why or 'UNEXPLAINED'}" for one, why in self.survivors.items()]
        return lines + [f"  wrong before it was mutated: {one}" for one in self.wrong]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A message with one demand broken."""

    what: str
    place: str
    value: Any
    severity: Severity


def mutants(made: Example, done: set[Demand]) -> Iterator[Mutant]:
    """The mutants of a message; none of a demand that was broken at a place like it before."""
    for demand in made.demands:
        like = replace(demand, path=tuple("*" if isinstance(step, int) else step for step in demand.path))
        if like in done:
            continue
        done.add(like)
        place = "/".join("*" if isinstance(step, int) else step for step in demand.path)
        here = _at(made.value, demand.path)
        for name in demand.required:
            without = {key: value for key, value in here.items() if key != name}
            yield Mutant(f"{name} removed", place, _with(made.value, demand.path, without), Severity.ERROR)
            renamed = {**without, f"{name}_": here[name]}
            yield Mutant(f"{name} renamed", place, _with(made.value, demand.path, renamed), Severity.ERROR)
        for type_ in [type_ for type_ in WRONG if demand.types and type_ not in demand.types][:TYPES]:
            mutated = _with(made.value, demand.path, WRONG[type_])
            yield Mutant(f"{type_} for {' or '.join(demand.types)}", place, mutated, Severity.ERROR)
        if demand.known is not None and isinstance(here, str):
            severity = Severity.ERROR if demand.closed else Severity.WARNING
            yield Mutant("a value invented", place, _with(made.value, demand.path, "invented"), severity)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    mutated = copy.copy(value)
    mutated[path[0]] = _with(value[path[0]], path[1:], new)
    return mutated


def messages() -> Score:
    """Every demand of every schema, broken one at a time."""
    score = Score(f"messages of {len(NAMES)} schemas")
    for name in NAMES:
        done: set[Demand] = set()
        for made in everything(name):
            for mutant in mutants(made, done):
                told = mutant.what.split()[-1]
                kind = told if told in ("removed", "renamed", "invented") else "retyped"
                found = {violation.severity for violation in CONTRACT.against(BASE + name, mutant.value, where="m")}
                place = " ".join(filter(None, (name, mutant.place)))
                score.take(kind, f"{place}: {mutant.what}", found=mutant.severity in found)
    return score


def exchanges() -> Score:
    """Every message that a document binds, broken inside a cassette of its own."""
    score = Score("cassettes, one of each message that a document binds")
    for name, schema, say in _bound():
        made = example(schema.uri.removeprefix(BASE), Turns())
        if _found(say(made.value)):
            score.wrong.append(name)
        wrong = {Severity.ERROR} & _found(say(["of", "another", "type"]))
        score.take("retyped", f"{name}: retyped", found=bool(wrong))
        for required in made.demands[0].required if isinstance(made.value, dict) else ():
            without = {key: value for key, value in made.value.items() if key != required}
            score.take("removed", f"{name}: {required} removed", found=Severity.ERROR in _found(say(without)))
    return score


def streams() -> Score:
    """Every kind of stream whose order is agreed, out of order."""
    score = Score("streams, their events out of order")
    for operation in CONTRACT.operations:
        for _, _, content in _contents(operation):
            if content.events is None or content.events.order is None:
                continue
            name = f"{operation.service} {operation.method} {_path(operation)}"
            good = list(_in_order(content.events, content.events.order))
            if _found(_streamed(operation, good), ordered=True):
                score.wrong.append(name)
            for what, moved in _out_of_order(good, content.events.order):
                found = Severity.ERROR in _found(_streamed(operation, moved), ordered=True)
                score.take("moved", f"{name}: {what}", found=found)
    return score


Say = Callable[[Any], Cassette]
"""Makes of a message the cassette that it stands in."""


def _bound() -> Iterator[tuple[str, Schema, Say]]:
    """Every message that a document binds: what it is, its schema, and how a cassette says it."""
    for operation in CONTRACT.operations:
        name = f"{operation.service} {operation.method} {_path(operation)}"
        for media, content in operation.request.items():
            if content.schema is not None:
                yield f"{name} request", content.schema, partial(_asked, operation, media)
        for status, media, content in _contents(operation):
            if content.schema is not None:
                yield f"{name} {status}", content.schema, partial(_answered, operation, status, media)
            for kind in content.events.kinds if content.events is not None else ():
                if kind.schema is not None:
                    yield f"{name} event {kind.label}", kind.schema, partial(_one_event, operation, kind)
    for channel in CONTRACT.channels:
        for sender, said in channel.messages.items():
            for label, schema in said.items():
                yield f"{channel.service} {channel.address} {label}", schema, partial(_spoken, channel, sender)


def _contents(operation: Operation) -> Iterator[tuple[str, str, Content]]:
    for status, contents in operation.responses.items():
        for media, content in contents.items():
            yield status, media, content


def _found(cassette: Cassette, *, ordered: bool = False) -> set[Severity]:
    """What `verify` finds, but for fields that are new, and for the order of events where that is not asked."""
    findings = verify([("c", cassette)], CONTRACT).findings
    told = [finding for finding in findings if ordered or not finding.schema.endswith("/x-order")]
    return {finding.severity for finding in told if finding.severity is not Severity.INFO}


def _path(operation: Operation) -> str:
    pointer = unquote(operation.uri.partition("#/paths/")[2]).rpartition("/")[0]
    return pointer.replace("~1", "/").replace("~0", "~")


def _cassette(operation: Operation, response: Response, body: bytes | None = None, media: str = "") -> Cassette:
    server = operation.servers[0] if operation.servers else None
    base = f"https://{(server.host if server is not None else None) or 'api.example'}"
    path = (server.base if server is not None else "").replace(".*", "").replace("[^/]+", "x")
    fields: Headers = () if operation.header is None else ((operation.header, "x"),)
    request = Request(
        method=operation.method,
        uri=base + path + re.sub(r"\{[^{}]*\}", "x", _path(operation)),
        headers=(*fields, ("content-type", media)) if media else fields,
        body=body,
    )
    upstreams = {} if server is not None or operation.service is None else {operation.service: base}
    metadata = Metadata(origin=Origin.STUB, upstreams=upstreams)
    return Cassette(interactions=(Interaction(request=request, response=response),), metadata=metadata)


def _asked(operation: Operation, media: str, value: Any) -> Cassette:
    # An answer that nobody judges: a server's own failure may be anything.
    lost = Response(status=500, headers=(("content-type", "application/json"),), omitted=Omitted(bytes=1, sha256=""))
    return _cassette(operation, lost, json.dumps(value).encode(), media)


def _answered(operation: Operation, status: str, media: str, value: Any) -> Cassette:
    code = int(status.replace("X", "0")) if status != "default" else 418
    headers = (("content-type", media.replace("*", "x")),)
    body = json.dumps(value).encode()
    answer = Response(status=code, headers=headers, body=body)
    return _unasked(_cassette(operation, answer))


def _one_event(operation: Operation, kind: EventKind, value: Any) -> Cassette:
    return _streamed(operation, [(kind, value)], cut=True)


def _streamed(operation: Operation, events: Sequence[tuple[EventKind, Any]], *, cut: bool = False) -> Cassette:
    body = b"".join(_event(kind, value) for kind, value in events)
    headers = (("content-type", "text/event-stream"),)
    end = End.CLIENT_LEFT if cut else End.COMPLETE
    return _unasked(_cassette(operation, Response(status=200, headers=headers, body=body, end=end)))


def _event(kind: EventKind, value: Any) -> bytes:
    name = f"event: {kind.name}\n" if kind.name is not None else ""
    data = kind.literal if kind.literal is not None else json.dumps(value)
    return f"{name}data: {data}\n\n".encode()


def _unasked(cassette: Cassette) -> Cassette:
    """Only the answer is judged: a stub's request is a pattern."""
    (one,) = cassette.interactions
    return replace(cassette, interactions=(replace(one, response=replace(one.response, stub={})),))


def _spoken(channel: Channel, sender: Sender, value: Any) -> Cassette:
    """A connection of the service, in which a client has said something good before."""
    known = channel.messages.get(Sender.CLIENT, {})
    first = [example(schema.uri.removeprefix(BASE), Turns()).value for schema in list(known.values())[:1]]
    said = [(Sender.CLIENT, message) for message in first] + [(sender, value)]
    frames = tuple(Frame(at=0, sender=who, kind=FrameKind.TEXT, text=json.dumps(message)) for who, message in said)
    request = Request(method="GET", uri=f"wss://api.example{channel.address}")
    connection = Interaction(request=request, response=Response(status=101, frames=frames))
    upstreams = {} if channel.service is None else {channel.service: "https://api.example"}
    return Cassette(interactions=(connection,), metadata=Metadata(origin=Origin.STUB, upstreams=upstreams))


def _in_order(events: Events, order: Order) -> Iterator[tuple[EventKind, Any]]:
    """A good stream: what comes first, everything that is opened, held and closed, what comes last."""
    kinds = {kind.label: kind for kind in events.kinds}
    labels = [*sorted(order.first)[:1]]
    for span in order.spans:
        labels += [span.opened, *sorted(span.holds)[:1], span.closed]
    rest = [label for label in kinds if label not in {*labels, *order.first, *order.last, *order.abort}]
    held = {label for span in order.spans for label in (*span.holds, span.opened, span.closed)}
    labels += [label for label in rest if label not in held][:1]
    labels += sorted(label for label in order.last if label in kinds)[:1]
    for number, label in enumerate(labels):
        schema = kinds[label].schema
        value = example(schema.uri.removeprefix(BASE), Turns()).value if schema is not None else None
        if isinstance(value, dict):
            if order.rising is not None:
                value[order.rising] = number
            value.update({name: 0 for span in order.spans for name in span.by if name in value and value[name] != 0})
        yield kinds[label], value


def _out_of_order(good: list[tuple[EventKind, Any]], order: Order) -> Iterator[tuple[str, list[tuple[EventKind, Any]]]]:
    """The stream with one event missing, twice, or too early."""
    labels = [kind.label for kind, _ in good]
    for label in order.first & set(labels):
        at = labels.index(label)
        yield f"{label} missing", good[:at] + good[at + 1 :]
        yield f"{label} twice", [good[at], *good]
        yield f"{label} later", [*good[:at], *good[at + 1 : at + 2], good[at], *good[at + 2 :]]
    for label in order.last & set(labels):
        at = labels.index(label)
        if not order.may_end_early:
            yield f"{label} missing", good[:at] + good[at + 1 :]
        yield f"{label} first", [good[at], *good[:at], *good[at + 1 :]]
        yield f"something after {label}", [*good, good[0]]
    for span in order.spans:
        opened, closed = labels.index(span.opened), labels.index(span.closed)
        yield f"{span.opened} missing", good[:opened] + good[opened + 1 :]
        yield f"{span.opened} twice", [*good[: opened + 1], good[opened], *good[opened + 1 :]]
        yield f"{span.closed} too early", [*good[:opened], good[closed], *good[opened:closed], *good[closed + 1 :]]
        for label in span.holds & set(labels):
            at = labels.index(label)
            yield f"{label} before {span.opened}", [*good[:opened], good[at], *good[opened:at], *good[at + 1 :]]
            yield (
                f"{label} after {span.closed}",
                [*good[:at], *good[at + 1 : closed + 1], good[at], *good[closed + 1 :]],
            )
    if order.rising is not None:
        for at, (before, after) in enumerate(pairwise(good)):
            moved = [*good[:at], after, before, *good[at + 2 :]]
            if order.rising in after[1] and order.rising in before[1]:
                yield f"{after[0].label} before {before[0].label}", moved


def main() -> int:
    from tests.contract import corpus

    scores = [messages(), exchanges(), streams(), *corpus.scores()]
    for score in scores:
        print("\n".join(score.told))  # noqa: T201 (a command)
    return 1 if any(score.unexplained for score in scores) else 0


if __name__ == "__main__":
    sys.exit(main())
