"""`x-binds`: a plain JSON Schema that says itself which messages it is for.

A text or a list of texts: `request POST /v1/things`, `response POST /v1/things 200` (without a status: every answer),
`event GET /v1/feed 200`, `client /ws` and `server /ws`. Bindings are turned into an OpenAPI and an AsyncAPI document
that refer to the schemas, so that there is one way only in which a contract applies. Pure.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["KEY", "Bindings", "WrongBinding"]

KEY = "x-binds"
_HTTP = re.compile(r"(request|response|event) ([A-Za-z]+) (/\S*)(?: ([1-5](?:[0-9]{2}|XX)|default))?")
_SOCKET = re.compile(r"(client|server) (/\S*)")


class WrongBinding(Exception):
    """This binding cannot be read; its text says what belongs there."""


class Bindings:
    """The bindings of all schemas together: one may bind the request, another the answer."""

    def __init__(self) -> None:
        self._paths: dict[str, Any] = {}
        self._channels: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}

    def add(self, uri: str, told: Any) -> None:
        """Take in what a schema says it is for. Raises WrongBinding."""
        for text in told if isinstance(told, list) else [told]:
            http = _HTTP.fullmatch(text) if isinstance(text, str) else None
            socket = _SOCKET.fullmatch(text) if isinstance(text, str) else None
            if http is not None and not (http[1] == "request" and http[4]):
                self._http(uri, *http.groups())
            elif socket is not None:
                self._socket(uri, socket[1], socket[2])
            else:
                raise WrongBinding(
                    f"{KEY} {text!r}: write 'request METHOD /path', 'response METHOD /path [status]', "
                    "'event METHOD /path [status]', 'client /path' or 'server /path'"
                )

    def documents(self) -> list[dict[str, Any]]:
        """The documents that say the same."""
        info = {"title": "bound schemas", "version": "1"}
        documents: list[dict[str, Any]] = []
        if self._paths:
            documents.append({"openapi": "3.2.0", "info": info, "paths": self._paths})
        if self._channels:
            told = {"channels": self._channels, "operations": self._operations}
            documents.append({"asyncapi": "3.0.0", "info": info, **told})
        return documents

    def _http(self, uri: str, part: str, method: str, path: str, status: str | None) -> None:
        # Any base URL before the path, as of the paths that a gateway or an SDK puts in front.
        item = self._paths.setdefault(path, {"servers": [{"url": "/"}]})
        operation = item.setdefault(method.lower(), {})
        if part == "request":
            operation["requestBody"] = {"content": {"application/json": {"schema": {"$ref": uri}}}}
            return
        response = operation.setdefault("responses", {}).setdefault(status or "default", {"description": ""})
        content = response.setdefault("content", {})
        if part == "response":
            content["application/json"] = {"schema": {"$ref": uri}}
        else:
            data = {"type": "string", "contentSchema": {"$ref": uri}}
            branches = content.setdefault("text/event-stream", {"itemSchema": {"oneOf": []}})["itemSchema"]["oneOf"]
            branches.append({"properties": {"data": data}, "required": ["data"]})

    def _socket(self, uri: str, sender: str, path: str) -> None:
        name = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_") or "root"
        channel = self._channels.setdefault(name, {"address": path, "messages": {}})
        key = f"{sender}.{len(channel['messages'])}"
        channel["messages"][key] = {"payload": {"$ref": uri}}
        action = "receive" if sender == "client" else "send"
        operation = self._operations.setdefault(
            f"{action}.{name}", {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "messages": []}
        )
        operation["messages"].append({"$ref": f"#/channels/{name}/messages/{key}"})
