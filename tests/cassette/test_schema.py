"""The format's JSON Schema says what we write, and nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from replayer.bundled import schemas_folder
from replayer.cassette.codec import Layout, encode
from replayer.cassette.model import Cassette

SCHEMA = json.loads((schemas_folder() / "replayer" / "cassette.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def typed(value: Any) -> Any:
    """Bytes as their base64, which the schema cannot see otherwise."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return [typed(item) for item in value] if isinstance(value, list) else value


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "https://replayer.dev/schemas/replayer/cassette.json"


@pytest.mark.parametrize("layout", [Layout.BLOCK, Layout.FLOW])
@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_we_write_is_valid(layout: Layout, data: st.DataObject, cassettes: st.SearchStrategy[Cassette]) -> None:
    VALIDATOR.validate(typed(yaml.safe_load(encode(data.draw(cassettes), layout))))


@pytest.mark.parametrize(
    "edit",
    [
        {"version": 2},
        {"interactions": [{"request": {}}]},
        {"interactions": {}},
        {"metadata": {"replayer": {"format": 1, "origin": "guess"}}},
    ],
)
def test_what_is_wrong_is_not_valid(edit: dict[str, Any]) -> None:
    document = {"version": 1, "interactions": []}
    assert VALIDATOR.is_valid(document)
    assert not VALIDATOR.is_valid({**document, **edit})
