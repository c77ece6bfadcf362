"""The bundled documents: what they may contain, and that both engines read them alike."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import referencing.jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from replayer.bundled import schemas_folder
from replayer.contract.explain import KNOWN_VALUES
from replayer.contract.registry import BASE, Registry

FILES = sorted(schemas_folder().rglob("*.json"))
NAMES = [file.relative_to(schemas_folder()).as_posix() for file in FILES]
DOCUMENTS: dict[str, Any] = {name: json.loads(file.read_text("utf-8")) for name, file in zip(NAMES, FILES, strict=True)}
SCHEMAS = [name for name in NAMES if "$schema" in DOCUMENTS[name]]
OURS = [
    name for name in SCHEMAS if name.startswith(("openai/", "anthropic/", "gemini/", "casola/", "schwarm/", "oagw/"))
]

AGREED_FORMATS: set[str] = set()
"""Formats that both engines check the same way: none so far."""

CHUNK = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "content": "x",
                "tool_calls": [{"index": 0, "function": {"arguments": "{"}}],
            },
            "finish_reason": None,
            "logprobs": {"content": [{"token": "x", "logprob": -0.1, "bytes": [1], "top_logprobs": []}]},
        }
    ],
    "usage": {
        "completion_tokens": 1,
        "prompt_tokens": 2,
        "total_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 0},
    },
}
CALL = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": None, "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
            "logprobs": None,
        }
    ],
    "usage": CHUNK["usage"],
}
ASK = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t", "content": "42"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "stop": ["x"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
}
JOB = {"type": "job", "job_id": "j", "mode": "transient", "config_id": "c", "fence_token": 3}
EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 2]}],
    "model": "m",
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
SAMPLES: list[tuple[str, Any]] = [
    ("openai/chat-completion-request.json", ASK),
    ("openai/chat-completion.json", CHAT),
    ("openai/chat-completion-chunk.json", CHUNK),
    ("openai/error.json", {"error": {"message": "m", "type": "t", "param": None, "code": "c"}}),
    ("openai/embeddings-request.json", {"model": "m", "input": ["a"], "dimensions": 3, "encoding_format": "float"}),
    ("openai/embeddings.json", EMBEDDINGS),
    ("openai/models.json", {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}),
    ("casola/worker/register.json", {"type": "register", "worker_id": "w", "config_id": "c", "capacity": 1}),
    (
        "casola/worker/job_result.json",
        {
            "type": "job_result",
            "job_id": "j",
            "fence_token": 0,
            "result": {"task": "openai/chat-completion", "completion": CHAT},
        },
    ),
    ("casola/worker/job_error.json", {"type": "job_error", "job_id": "j", "error": "e", "fence_token": 0}),
    (
        "casola/worker/job_progress.json",
        {"type": "job_progress", "job_id": "j", "fence_token": 7, "progress": 0.5, "status_message": "s"},
    ),
    (
        "casola/queue/job.json",
        {
            **JOB,
            "payload": {
                "task": "openai/chat-completion",
                "model": "m",
                "messages": [{"role": "user", "content": None}],
                "temperature": 1,
            },
        },
    ),
    ("casola/queue/job.json", {**JOB, "payload": {"task": "openai/embeddings", "model": "m", "input": "a"}}),
    ("casola/queue/job_revoked.json", {"type": "job_revoked", "job_id": "j", "reason": "r"}),
    ("casola/queue/error.json", {"type": "error", "message": "m"}),
    (
        "casola/rest/job.json",
        {
            "id": "j",
            "config_id": "c",
            "status": "pending",
            "payload": {},
            "result": None,
            "error": None,
            "fence_token": 1,
            "created_at": 1.5,
        },
    ),
    ("casola/rest/health.json", {"status": "ok", "worker_connected": True, "pending_jobs": 0}),
]


def below(value: Any, *, branch: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every object of a document, and whether it stands where it would decide a branch."""
    if isinstance(value, dict):
        yield value, branch
        for key, inner in value.items():
            yield from below(inner, branch=branch or key in ("anyOf", "oneOf", "not", "if", "contains"))
    elif isinstance(value, list):
        for inner in value:
            yield from below(inner, branch=branch)


def python_engine(name: str) -> jsonschema.Draft202012Validator:
    resources = [
        (BASE + other, referencing.Resource.from_contents(DOCUMENTS[other], referencing.jsonschema.DRAFT202012))
        for other in SCHEMAS
    ]
    registry: Any = referencing.Registry().with_resources(resources)
    return jsonschema.Draft202012Validator(DOCUMENTS[name], registry=registry)


REGISTRY = Registry()
RUST = {name: REGISTRY.compile(BASE + name) for name in SCHEMAS}
PYTHON = {name: python_engine(name) for name in SCHEMAS}


def errors(name: str, value: Any) -> list[tuple[str | int, ...]]:
    """Where jsonschema-rs finds errors; new values of open enumerations are none."""
    found = RUST[name].iter_errors(value)
    return [tuple(error.instance_path) for error in found if error.kind.name != KNOWN_VALUES]


def test_there_are_bundled_schemas() -> None:
    assert len(OURS) > 30


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_bears_its_own_address(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENTS[name])
    assert DOCUMENTS[name]["$id"] == BASE + name
    assert DOCUMENTS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_stays_inside_what_both_engines_agree_on(name: str) -> None:
    for found, branch in below(DOCUMENTS[name]):
        pattern = found.get("pattern")
        if isinstance(pattern, str):
            assert not any(mark in pattern for mark in ("\\d", "\\w", "\\s", "\\b", "\\p", "\\D", "\\W", "$"))
        assert "patternProperties" not in found
        if isinstance(found.get("multipleOf"), int | float):
            assert isinstance(found["multipleOf"], int)
        if isinstance(found.get("format"), str):
            assert found["format"] in AGREED_FORMATS
        assert not (branch and KNOWN_VALUES in found), "an open enumeration must not decide a branch"


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_somewhere(name: str) -> None:
    for found, _ in below(DOCUMENTS[name]):
        reference = found.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            assert (schemas_folder() / Path(name).parent / reference.partition("#")[0]).resolve().is_file(), reference


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_good_message_is_valid_in_both_engines(name: str, sample: Any) -> None:
    assert RUST[name].is_valid(sample)
    assert PYTHON[name].is_valid(sample)


def required(name: str, sample: Any) -> list[tuple[str, ...]]:
    schema = DOCUMENTS[name]
    return [(key,) for key in schema.get("required", ()) if key in sample]


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_missing_or_retyped_required_field_is_found(name: str, sample: Any) -> None:
    for key in DOCUMENTS[name]["required"]:
        without = {field: value for field, value in sample.items() if field != key}
        assert errors(name, without) == [()]
        renamed = {**without, key.upper(): sample[key]}
        assert errors(name, renamed) == [()]
        declared = DOCUMENTS[name]["properties"][key]
        if declared not in ({}, True) and "allOf" not in declared:
            for wrong in ({"wrong": 1}, 3.25, False):
                if not (
                    type(wrong) is type(sample[key]) or (isinstance(wrong, float) and declared.get("type") == "number")
                ):
                    assert errors(name, {**sample, key: wrong}), (key, wrong)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.sampled_from([0.5, 1.0, -1e300]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


@settings(max_examples=300, deadline=None)  # a deadline would be a timing assertion
@given(st.data())
def test_both_engines_judge_mutated_messages_alike(data: st.DataObject) -> None:
    name, sample = data.draw(st.sampled_from(SAMPLES))
    mutated = copy.deepcopy(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        spots = list(places(mutated))
        if not spots:
            break
        container, key = data.draw(st.sampled_from(spots))
        what = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        if what == "replace":
            container[key] = data.draw(json_values)
        elif what == "remove" or isinstance(container, list):
            del container[key]
        else:
            container[key + "_"] = container.pop(key)
    assert (not errors(name, mutated)) == PYTHON[name].is_valid(mutated)
