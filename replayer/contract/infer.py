"""Contracts inferred from samples: an OpenAPI 3.2 document for the operations, an AsyncAPI 3 one for the channels.

What they say holds for every sample that they were learned from. Servers are those that were recorded; what could not
be described (frames that are no JSON) is left out rather than made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from replayer.cassette.model import Sender
from replayer.contract.describe import schema_of
from replayer.contract.media import EVENT_STREAM
from replayer.contract.samples import Answers, Bodies, ChannelSamples, OperationSamples, Samples
from replayer.contract.shape import Shape
from replayer.contract.stream import Kind, Stream, Told

__all__ = ["infer_asyncapi", "infer_openapi"]

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")
_SELECTORS = ("type", "event", "kind", "op", "method")
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"


class _Named:
    """The named schemas of a document, so that a reader finds each by what it is of."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}

    def refer(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        """Keep a schema under a name like this one; what refers to it. A schema that says nothing is not kept."""
        if not schema:
            return {}
        stem, number = _NO_NAME.sub("_", name).strip("_"), 2
        name = stem
        while self.schemas.get(name, schema) != schema:
            name, number = f"{stem}_{number}", number + 1
        self.schemas[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}


def infer_openapi(samples: Samples, *, title: str) -> dict[str, Any] | None:
    """The document of all operations; None where there are none."""
    named = _Named()
    paths: dict[str, dict[str, Any]] = {}
    hosts: dict[str, set[str]] = {}
    for operation in samples.operations.values():
        hosts.setdefault(operation.key.path, set()).add(operation.key.host)
    for operation in _merged(samples.operations.values()):
        path = paths.setdefault(operation.key.path, {})
        servers = [{"url": host} for host in sorted(hosts[operation.key.path]) if host]
        if servers:
            path["servers"] = servers
        path[operation.key.method.lower()] = _operation(operation, named)
    if not paths:
        return None
    return {
        "openapi": "3.2.0",
        "info": {"title": title, "version": "inferred"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": named.schemas},
    }


def infer_asyncapi(samples: Samples, *, title: str) -> dict[str, Any] | None:
    """The document of all channels whose messages are JSON; None where there are none."""
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "inferred"},
        "defaultContentType": "application/json",
        "channels": {},
        "operations": {},
    }
    named = _Named()
    for channel in samples.channels.values():
        if channel.opaque or not channel.directions or channel.key.path in _addresses(document):
            continue
        name = _name(channel.key.path) or "root"
        document["channels"][name] = _channel(channel, named)
        for sender in channel.directions:
            action, verb = ("receive", "hear") if sender is Sender.CLIENT else ("send", "say")
            said = [key for key in document["channels"][name]["messages"] if key.startswith(f"{sender}.")]
            document["operations"][f"{verb}.{name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{key}"} for key in said],
            }
    document["components"] = {"schemas": named.schemas}
    return document if document["channels"] else None


def _merged(operations: Iterable[OperationSamples]) -> Iterable[OperationSamples]:
    """Operations of one method and path, of whichever host, as one: a path stands once in a document."""
    found: dict[tuple[str, str], OperationSamples] = {}
    for operation in operations:
        key = (operation.key.method, operation.key.path)
        known = found.get(key)
        if known is None:
            found[key] = operation
            continue
        whole = OperationSamples(key=operation.key, count=known.count + operation.count)
        whole.query = {n: known.query.get(n, 0) + operation.query.get(n, 0) for n in (*known.query, *operation.query)}
        whole.requests = _bodies(known.requests, operation.requests)
        for status in (*known.answers, *operation.answers):
            ours, theirs = known.answers.get(status, Answers()), operation.answers.get(status, Answers())
            both = Answers(count=ours.count + theirs.count, bodies=_bodies(ours.bodies, theirs.bodies))
            whole.answers[status] = both
        found[key] = whole
    return found.values()


def _bodies(ours: Mapping[str, Bodies], theirs: Mapping[str, Bodies]) -> dict[str, Bodies]:
    whole: dict[str, Bodies] = {}
    for media in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(media, Bodies()), theirs.get(media, Bodies())
        stream = Stream(count=one.stream.count + other.stream.count, orders=one.stream.orders | other.stream.orders)
        for kind in dict.fromkeys((*one.stream.shapes, *other.stream.shapes)):
            found = [part.stream.shapes[kind] for part in (one, other) if kind in part.stream.shapes]
            stream.shapes[kind] = found[0] if len(found) == 1 else found[0].merged(found[1])
        whole[media] = Bodies(count=one.count + other.count, shape=one.shape.merged(other.shape), stream=stream)
    return whole


def _operation(operation: OperationSamples, named: _Named) -> dict[str, Any]:
    described: dict[str, Any] = {}
    name = f"{operation.key.method.lower()} {operation.key.path}"
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(operation.key.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": count == operation.count, "schema": {"type": "string"}}
        for name, count in sorted(operation.query.items())
    ]
    if parameters:
        described["parameters"] = parameters
    asked = {media: bodies for media, bodies in operation.requests.items() if media}
    if asked:
        described["requestBody"] = {
            "required": "" not in operation.requests,
            "content": _content(asked, f"{name} request", named),
        }
    described["responses"] = {
        str(status): _response(status, answers, f"{name} {status}", named)
        for status, answers in sorted(operation.answers.items())
    }
    return described


def _response(status: int, answers: Answers, name: str, named: _Named) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else str(status)
    content = {media: bodies for media, bodies in answers.bodies.items() if media}
    # A body that was sometimes not there, or had no type, is not demanded.
    told = content and "" not in answers.bodies
    return {"description": phrase} | ({"content": _content(content, name, named)} if told else {})


def _content(found: Mapping[str, Bodies], name: str, named: _Named) -> dict[str, Any]:
    return {media: _media(media, bodies, name, named) for media, bodies in sorted(found.items())}


def _media(media: str, bodies: Bodies, name: str, named: _Named) -> dict[str, Any]:
    if media == EVENT_STREAM:
        return {"itemSchema": _events(bodies.stream, f"{name} event", named)} if bodies.stream.shapes else {}
    schema = named.refer(name, schema_of(bodies.shape)) if bodies.shape.count else {}
    return {"schema": schema} if schema else {}


def _events(stream: Stream, name: str, named: _Named) -> dict[str, Any]:
    plain: Shape | None = None
    branches: list[dict[str, Any]] = []
    for kind, shape in stream.shapes.items():
        if kind.told is Told.PLAIN or (kind.told is Told.TYPE and kind.by != "type"):
            plain = shape if plain is None else plain.merged(shape)
        else:
            branches.append(_event(kind, shape, f"{name} {kind}", named))
    if plain is not None:
        data = {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": named.refer(name, schema_of(plain)),
        }
        branches.append({"properties": {"data": data}, "required": ["data"]})
    return branches[0] if len(branches) == 1 else {"oneOf": branches}


def _event(kind: Kind, shape: Shape, name: str, named: _Named) -> dict[str, Any]:
    if kind.told is Told.LITERAL:
        return {"properties": {"data": {"const": kind.text}}, "required": ["data"]}
    data: dict[str, Any] = {"type": "string"}
    if shape.types or shape.unknown:
        data |= {"contentMediaType": "application/json", "contentSchema": named.refer(name, schema_of(shape))}
    event = {"event": {"const": kind.text}} if kind.told is Told.NAME else {}
    return {"properties": {**event, "data": data}, "required": [*event, "data"]}


def _channel(channel: ChannelSamples, named: _Named) -> dict[str, Any]:
    selector = _selector(channel)
    messages: dict[str, Any] = {}
    for sender, stream in channel.directions.items():
        if selector is None:
            shapes: Iterable[tuple[str, Shape]] = [("message", _whole(stream))]
        else:
            shapes = [(kind.text, shape) for kind, shape in stream.shapes.items()]
        for name, shape in shapes:
            key, number = f"{sender}.{_name(name)}", 2
            while key in messages:
                key, number = f"{sender}.{_name(name)}_{number}", number + 1
            schema = named.refer(f"{sender} {name}", schema_of(shape))
            payload = {"schemaFormat": _SCHEMA_FORMAT, "schema": schema}
            messages[key] = {"name": name, "payload": payload}
    return {"address": channel.key.path, "messages": messages}


def _selector(channel: ChannelSamples) -> str | None:
    """The property that tells all messages of both directions apart, if one does."""
    kinds = {kind for stream in channel.directions.values() for kind in stream.shapes}
    return next((name for name in _SELECTORS if all(k.told is Told.TYPE and k.by == name for k in kinds)), None)


def _whole(stream: Stream) -> Shape:
    whole = Shape()
    for shape in stream.shapes.values():
        whole = whole.merged(shape)
    return whole


def _addresses(document: Mapping[str, Any]) -> set[str]:
    return {channel["address"] for channel in document["channels"].values()}


def _name(text: str) -> str:
    return _NO_NAME.sub("_", text).strip("_")
