"""jsonschema-rs decides; jsonschema is the reference: over real traffic, and over messages of every schema, mutated."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import hypothesis
import jsonschema
import referencing
import referencing.jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from replayer.bundled import schemas_folder
from replayer.cassette.store import read
from replayer.contract.explain import KNOWN_VALUES
from replayer.contract.registry import BASE, Registry, bundled
from replayer.contract.schema import Engine
from replayer.contract.validate import Contract
from replayer.errors import CassetteError
from tests import needs
from tests.contract.examples import example, randomly, schema_names
from tests.needs import CORPUS

NAMES = schema_names()
REGISTRY = Registry()


@cache
def rust(name: str) -> Engine:
    return REGISTRY.compile(BASE + name)


@cache
def resources() -> Any:
    found = []
    for file in schemas_folder().rglob("*.json"):
        contents = json.loads(file.read_text("utf-8"))
        resource = referencing.Resource.from_contents(contents, referencing.jsonschema.DRAFT202012)
        found.append((BASE + file.relative_to(schemas_folder()).as_posix(), resource))
    return referencing.Registry().with_resources(found)


@cache
def python(uri: str) -> jsonschema.Draft202012Validator:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator({"$ref": uri}, registry=resources(), format_checker=checker)


def is_new_value(error: Any) -> bool:
    """Whether it is about a new value of an open enumeration, of names too."""
    return KNOWN_VALUES in (error.kind.name, error.kind.name == "propertyNames" and error.kind.error.kind.name)


def both(name: str, value: Any) -> tuple[bool, bool]:
    """What each engine says; a new value of an open enumeration is no error."""
    errors = [error for error in rust(name).iter_errors(value) if not is_new_value(error)]
    return not errors, python(BASE + name).is_valid(value)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0.5, 1.0, -0.0, -1e300, 1e19])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=250, deadline=None)  # a deadline would be a timing assertion
@given(st.data())
def test_the_engines_agree_on_messages_of_every_schema_mutated(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    made = example(name, randomly(data.draw(st.randoms(use_true_random=False))))
    assert both(name, made.value) == (True, True)
    mutated = copy.deepcopy(made.value)
    spots = list(places(mutated))
    for _ in range(data.draw(st.integers(1, 3)) if spots else 0):
        container, key = data.draw(st.sampled_from(spots))
        if isinstance(container, dict) and key in container and data.draw(st.booleans()):
            del container[key]
        elif isinstance(container, list) or key in container:
            container[key] = data.draw(values)
    one, other = both(name, mutated)
    assert one == other


@settings(max_examples=150, deadline=None)  # a deadline would be a timing assertion
@given(st.sampled_from(NAMES), values)
@hypothesis.example("gemini/live/client.json", {"new": None})
def test_the_engines_agree_on_anything(name: str, value: Any) -> None:
    one, other = both(name, value)
    assert one == other


class Recording(Registry):
    """The bundled documents, with engines that keep what they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Any]] = []

    def compile(self, uri: str) -> Engine:
        return Asked(super().compile(uri), uri, self.asked)


class Asked:
    """An engine, and what it was asked."""

    def __init__(self, engine: Engine, uri: str, asked: list[tuple[str, Any]]) -> None:
        self._engine = engine
        self._uri = uri
        self._asked = asked
        self.iter_errors = engine.iter_errors

    def is_valid(self, instance: Any) -> bool:
        self._asked.append((self._uri, instance))
        return self._engine.is_valid(instance)


def recording() -> tuple[Contract, list[tuple[str, Any]]]:
    registry = Recording()
    operations: list[Any] = []
    channels: list[Any] = []
    for name in sorted(file.relative_to(schemas_folder()).as_posix() for file in schemas_folder().glob("*/*api.json")):
        registry.read(BASE + name, operations, channels)
    return Contract(operations, channels, registry.compile), registry.asked


@needs.corpus
def test_the_engines_agree_on_real_traffic() -> None:
    contract, asked = recording()
    for file in sorted(CORPUS.rglob("*")):
        if file.suffix in (".yaml", ".yml", ".json"):
            try:
                cassette = read(file)
            except CassetteError:
                continue  # the store's own tests judge these
            for index, interaction in enumerate(cassette.interactions):
                contract.interaction(interaction, where=f"{file.name}#{index}")
    assert len(asked) > 1_000
    disagreed = [uri for uri, value in asked[::3] if not python(uri).is_valid(value)]
    assert disagreed == [], "everything that was asked is valid, says the other engine"


def test_every_bundled_binding_is_read() -> None:
    contract, _ = recording()
    assert {operation.uri for operation in bundled().operations} == {operation.uri for operation in contract.operations}
    assert {channel.uri for channel in bundled().channels} == {channel.uri for channel in contract.channels}
