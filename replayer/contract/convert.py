"""Older documents made into those that are read: OpenAPI 3.0 into 3.1, AsyncAPI 2 into 3. Pure.

OpenAPI 3.0 has a dialect of its own for schemas: `nullable`, boolean `exclusiveMinimum`, siblings of `$ref` that say
nothing. AsyncAPI 2 says `publish` for what clients send to the server that it describes, and `subscribe` for what they
receive (its 3.0 migration guide, "Operation keywords").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["asyncapi_3", "is_asyncapi_2", "is_openapi_30", "references", "schemas_31"]

_VALUES = frozenset({"example", "examples", "default", "enum", "const"})
"""Keys whose values are data, and no schemas."""
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "schemas"})
"""Keys whose values are maps of schemas by name: no name in them is a keyword."""


def is_openapi_30(contents: Any) -> bool:
    """Whether a document is OpenAPI 3.0."""
    return isinstance(contents, dict) and str(contents.get("openapi", "")).startswith("3.0")


def is_asyncapi_2(contents: Any) -> bool:
    """Whether a document is AsyncAPI 2."""
    return isinstance(contents, dict) and str(contents.get("asyncapi", "")).startswith("2.")


def schemas_31(contents: Any) -> Any:
    """A 3.0 document, or a file that one refers to, with its schemas as 3.1 writes them (JSON Schema 2020-12)."""
    converted = _converted(contents)
    return {**converted, "openapi": "3.1.0"} if is_openapi_30(contents) else converted


def _converted(node: Any) -> Any:
    if isinstance(node, list):
        return [_converted(below) for below in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        # 3.0: siblings of a reference are ignored; 3.1 would take them for more demands.
        return _or_null({"$ref": reference}) if node.get("nullable") is True else {"$ref": reference}
    converted = {key: _below(key, value) for key, value in node.items()}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(converted.get(exclusive), bool) and converted.pop(exclusive) and bound in converted:
            converted[exclusive] = converted.pop(bound)
    if isinstance(converted.get("nullable"), bool) and converted.pop("nullable"):
        return _nullable(converted)
    return converted


def _below(key: str, value: Any) -> Any:
    if key in _NAMED and isinstance(value, dict):
        return {name: _converted(below) for name, below in value.items()}
    return value if key in _VALUES or key.startswith("x-") else _converted(value)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
        composed = [key for key in ("allOf", "anyOf", "oneOf") if key in schema]
        return _or_null(schema) if composed else schema
    # 3.0.3: `nullable` says something beside a `type` only; documents mean it beside `allOf` all the same.
    return _or_null(schema)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def references(contents: Any) -> Iterator[str]:
    """Every `$ref` of a document to another document, without its fragment."""
    waiting = [contents]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                yield reference.partition("#")[0]
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def asyncapi_3(contents: dict[str, Any]) -> dict[str, Any]:
    """An AsyncAPI 2 document as 3.0: its channels keep their places, operations stand beside them."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for address, channel in _items(contents.get("channels")):
        name = address.strip("/").replace("/", "_").replace("{", "").replace("}", "") or "root"
        while name in channels:
            name += "_"
        messages: dict[str, Any] = {}
        for keyword, action in (("publish", "receive"), ("subscribe", "send")):
            operation = channel.get(keyword) if isinstance(channel, dict) else None
            if not isinstance(operation, dict):
                continue
            said = [f"{keyword}.{number}" for number, _ in enumerate(_messages(operation))]
            messages |= dict(zip(said, _messages(operation), strict=True))
            operations[f"{keyword}.{name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{key}"} for key in said],
            }
        channels[name] = {"address": address, "messages": messages}
    return {**contents, "asyncapi": "3.0.0", "channels": channels, "operations": operations}


def _messages(operation: dict[str, Any]) -> list[Any]:
    message = operation.get("message")
    if isinstance(message, dict) and isinstance(message.get("oneOf"), list):
        return list(message["oneOf"])
    return [] if message is None else [message]


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(key), below) for key, below in value.items()] if isinstance(value, dict) else []
