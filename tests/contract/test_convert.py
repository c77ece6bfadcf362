from __future__ import annotations

from typing import Any

import pytest

from replayer.contract.convert import asyncapi_3, references, schemas_31


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"$ref": "#/x", "description": "d"}, {"$ref": "#/x"}),
        ({"$ref": "#/x", "nullable": True}, {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]}),
        ({"allOf": [{}], "nullable": True}, {"anyOf": [{"allOf": [{}]}, {"type": "null"}]}),
        ({"example": {"nullable": True}}, {"example": {"nullable": True}}),
        (
            {"properties": {"nullable": {"type": "string"}, "example": {"type": "integer", "nullable": True}}},
            {"properties": {"nullable": {"type": "string"}, "example": {"type": ["integer", "null"]}}},
        ),
        ({"openapi": "3.0.3", "paths": {}}, {"openapi": "3.1.0", "paths": {}}),
    ],
)
def test_the_dialect_of_openapi_30_becomes_json_schema(old: Any, new: Any) -> None:
    assert schemas_31(old) == new


def test_what_clients_publish_is_received_by_the_server_that_asyncapi_2_describes() -> None:
    one, two = {"payload": {"type": "object"}}, {"$ref": "#/components/messages/Two"}
    document = asyncapi_3(
        {
            "asyncapi": "2.6.0",
            "channels": {"/ws/{id}": {"publish": {"message": {"oneOf": [one, two]}}, "subscribe": {"message": one}}},
        }
    )
    assert document["asyncapi"] == "3.0.0"
    assert document["channels"]["ws_id"] == {
        "address": "/ws/{id}",
        "messages": {"publish.0": one, "publish.1": two, "subscribe.0": one},
    }
    actions = {name: operation["action"] for name, operation in document["operations"].items()}
    assert actions == {"publish.ws_id": "receive", "subscribe.ws_id": "send"}


def test_references_to_other_documents_are_found_wherever_they_stand() -> None:
    document = {"a": [{"$ref": "x.json#/y"}], "b": {"$ref": "#/inside"}, "c": {"d": {"$ref": "z.yaml"}}}
    assert sorted(references(document)) == ["x.json", "z.yaml"]
