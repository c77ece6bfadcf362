"""The bundled schemas and the official clients: what a client's types make is valid, what a schema says parses."""

from __future__ import annotations

import copy
import functools
import importlib
import operator
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replayer.contract.registry import BASE, bundled
from replayer.contract.violation import Violation
from tests.contract.client_values import client_value
from tests.contract.examples import Turns, everything, example, randomly

CONTRACT = bundled()
NEEDS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google.genai"}


@dataclass(frozen=True)
class Pair:
    """A schema, and the types of a client that say the same."""

    name: str
    types: tuple[Any, ...]
    left_out: frozenset[str]

    def __str__(self) -> str:
        return self.name


def by_hand() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Schemas that nobody derived."""
    import openai.types as t
    import openai.types.chat as chat
    from openai.types.chat import completion_create_params as create

    yield "openai/chat-completion.json", (chat.ChatCompletion,)
    yield "openai/chat-completion-chunk.json", (chat.ChatCompletionChunk,)
    yield (
        "openai/chat-completion-request.json",
        (create.CompletionCreateParamsNonStreaming, create.CompletionCreateParamsStreaming),
    )
    yield "openai/embeddings.json", (t.CreateEmbeddingResponse,)
    yield "openai/embeddings-request.json", (t.EmbeddingCreateParams,)
    yield "openai/model.json", (t.Model,)
    yield "openai/usage.json", (t.CompletionUsage,)


def pairs() -> Iterator[Pair]:
    for provider, package in NEEDS.items():
        try:
            importlib.import_module(package)
        except ImportError:
            continue
        files = getattr(importlib.import_module(f"tests.derive.{provider}_files"), provider.upper())
        left_out = frozenset(files.left_out)
        for file in files.files:
            yield Pair(f"{files.folder}/{file.path}", file.types, left_out)
        for events in files.events:
            for type_, members in events.by_type().items():
                yield Pair(f"{files.folder}/{events.folder}/{type_}.json", tuple(members), left_out)
    for name, types in by_hand():
        yield Pair(name, types, frozenset())


PAIRS = list(pairs())
CURRENT = sys.version_info >= (3, 12)
"""Whether the clients are those that the schemas were derived from: Python 3.11 has older ones."""

UNTYPED = frozenset() if CURRENT else frozenset({"openai/responses/events/response.output_text.annotation.added.json"})
"""Schemas of which the older client's types say nothing: to it an annotation is any object."""


def as_clients_have_it(types: tuple[str, ...]) -> tuple[str, ...]:
    """Without what only some servers send: null for what is absent, numbers for enumerations."""
    kept = [type_ for type_ in types if type_ != "null" and not (type_ == "integer" and "string" in types)]
    return tuple(kept) or types


UNSENT = {"gemini/live/client.json": frozenset({"systemInstruction"})}
"""Fields whose types take more than travels: the client turns a file or a list into a turn first."""

UNPARSED = {
    "gemini/file.json": "its size travels as a text of digits, which an example's text is not",
    "gemini/model.json": "supportedGenerationMethods travels under another name than the client gives it",
}
"""Schemas whose examples no client takes, and why."""


tells_of_new_values = pytest.mark.filterwarnings(*([] if CURRENT else ["ignore:.* is not a valid [A-Z]:UserWarning"]))
"""An older client takes a value that is newer than it is, and warns."""


def check(pair: Pair, value: Any) -> list[Violation]:
    return list(CONTRACT.against(BASE + pair.name, value, where=pair.name))


def parsed(type_: Any, value: Any) -> Any:
    """What the client makes of an answer, in its own way, as JSON again."""
    if type_.__module__.startswith("google."):
        return _json(type_.model_validate(value))
    models = importlib.import_module(type_.__module__.partition(".")[0] + "._models")
    made = models.construct_type(type_=type_, value=value)
    assert isinstance(made, type_)
    return _json(made)


def known(type_: Any, value: Any) -> Any:
    """The message without what is newer than the client: Gemini's older one refuses fields that it does not know."""
    if CURRENT or not type_.__module__.startswith("google."):
        return value
    try:
        type_.model_validate(value)
    except pydantic.ValidationError as error:
        value = copy.deepcopy(value)
        for wrong in error.errors():
            # Where the client would take other things too, a turn is what travels: see UNSENT.
            if not {"str", "Part", "File", "list[union[str,File,Part]]"} & set(wrong["loc"]):
                assert wrong["type"] == "extra_forbidden"
                *path, name = (step for step in wrong["loc"] if step != "Content")
                del functools.reduce(operator.getitem, path, value)[name]
    return value


def lost(made: Any, value: Any, place: str = "") -> list[str]:
    """Where the client's object says something else than the message; it may write enumerations in upper case."""
    if isinstance(made, dict) and isinstance(value, dict):
        missing = [f"{place}/{key}" for key in set(made) ^ set(value)]
        return missing + [
            one for key in set(made) & set(value) for one in lost(made[key], value[key], f"{place}/{key}")
        ]
    if isinstance(made, list) and isinstance(value, list) and len(made) == len(value):
        return [one for n, (a, b) in enumerate(zip(made, value, strict=True)) for one in lost(a, b, f"{place}/{n}")]
    same = made.upper() == value.upper() if isinstance(made, str) and isinstance(value, str) else made == value
    return [] if same else [f"{place}: {str(made)[:40]}, not {str(value)[:40]}"]


def _json(made: pydantic.BaseModel) -> Any:
    return made.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)


def answers(pair: Pair) -> list[Any]:
    """The types of answers: those of requests are dictionaries, which no client parses."""
    if pair.name in UNPARSED:
        return []
    return [type_ for type_ in pair.types if isinstance(type_, type) and issubclass(type_, pydantic.BaseModel)]


def test_all_three_clients_are_here() -> None:
    for package in NEEDS.values():
        importlib.import_module(package)
    assert len(PAIRS) > 150


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.name not in UNTYPED], ids=str)
def test_what_a_clients_types_make_is_valid(pair: Pair) -> None:
    wrong = []
    for type_ in pair.types:
        turns = Turns()
        for _ in range(60):
            turns.fresh = False
            value = client_value(type_, turns, left_out=pair.left_out | UNSENT.get(pair.name, frozenset()))
            wrong += check(pair, value)
            if not turns.fresh:
                break
    assert wrong[:3] == []


@tells_of_new_values
@pytest.mark.parametrize("pair", [pair for pair in PAIRS if answers(pair)], ids=str)
def test_what_a_schema_says_parses_with_the_client_and_nothing_is_lost(pair: Pair) -> None:
    for made in everything(pair.name, as_clients_have_it):
        for type_ in answers(pair):
            value = known(type_, made.value)
            assert lost(parsed(type_, value), value) == []


@tells_of_new_values
@settings(max_examples=40, deadline=None)  # a deadline would be a timing assertion
@given(st.data())
def test_messages_made_by_chance_parse_too(data: st.DataObject) -> None:
    pair = data.draw(st.sampled_from([pair for pair in PAIRS if answers(pair)]))
    choose = randomly(data.draw(st.randoms(use_true_random=False)))
    made = example(pair.name, choose, as_clients_have_it)
    assert check(pair, made.value) == []
    values = [(type_, known(type_, made.value)) for type_ in answers(pair)]
    assert any(lost(parsed(type_, value), value) == [] for type_, value in values)
