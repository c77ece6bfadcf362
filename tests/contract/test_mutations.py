"""Every demand of every bundled schema, broken one at a time: each is found, and with the severity that it deserves."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from replayer.contract.registry import BASE, bundled
from replayer.contract.violation import Severity
from tests.contract.examples import Demand, Example, everything, schema_names

CONTRACT = bundled()
NAMES = schema_names()
WRONG: dict[str, Any] = {"null": None, "object": {}, "string": "text", "number": 0.25, "array": [], "boolean": True}
"""A value of each type, in the order in which they are tried. 0.25 is wrong for an integer too."""

TYPES = 2
"""Wrong types tried of each value."""

EXPLAINED = {
    ("casola/queue/job.json", "payload", f"task {how}"): "POST /jobs takes any payload; without a task nothing is known"
    for how in ("removed", "renamed")
}
"""Survivors by schema, place and mutation, and why they may survive."""


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


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_a_schema_is_valid_and_none_is_trivial(name: str) -> None:
    examples = list(everything(name))
    assert examples
    for made in examples:
        assert CONTRACT.against(BASE + name, made.value, where="e") == ()
        assert any(demand.types or demand.required or demand.known for demand in made.demands)


def test_each_mutation_of_each_schema_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    made_of: Counter[str] = Counter()
    survivors: list[tuple[str, str, str]] = []
    for name in NAMES:
        done: set[Demand] = set()
        for made in everything(name):
            for mutant in mutants(made, done):
                kind = (
                    mutant.what.split()[-1] if mutant.what.endswith(("removed", "renamed", "invented")) else "retyped"
                )
                made_of[kind] += 1
                found = CONTRACT.against(BASE + name, mutant.value, where="m")
                if mutant.severity not in {violation.severity for violation in found}:
                    survivors.append((name, mutant.place, mutant.what))
    unexplained = sorted({survivor for survivor in survivors if survivor not in EXPLAINED})
    total = made_of.total()
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(made_of.items()))
    with capsys.disabled():
        score = f"{total - len(survivors):,} of {total:,} found ({told})"
        print(f"\nmutations of {len(NAMES)} schemas: {score}")  # noqa: T201 - the score is to be read
    assert unexplained == []
    assert set(EXPLAINED) <= set(survivors), "explained, and found all the same"
    assert total > 10_000
