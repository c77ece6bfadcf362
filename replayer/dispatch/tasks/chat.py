"""`openai/chat-completion`: POST /v1/chat/completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.tasks.task import Ask, Payload, Task

__all__ = ["CHAT"]


def _read(name: str, request: Request, value: Any) -> Ask | Response:
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors, value)
    if errors:
        return reply.unprocessable(errors)
    payload = _plain(name, body) or _careful(name, body, errors)
    return reply.unprocessable(errors) if errors else Ask(payload=payload, wants_stream=body.get("stream") is True)


def _plain(name: str, body: Any) -> Payload | None:
    """What `_careful` makes of a body whose values are of their usual types; None for every other.

    Nearly every request is such a one, and this takes a quarter of the time.
    """
    if type(body) is not dict or type(body.get("model")) is not str or type(body.get("messages")) is not list:
        return None
    messages = []
    for message in body["messages"]:
        if type(message) is not dict:
            return None
        role, content = message.get("role"), message.get("content")
        if type(role) is not str or (content is not None and type(content) is not str):
            return None
        messages.append({"role": role, "content": content})
    payload: Payload = {"task": name, "model": body["model"], "messages": messages}
    for key, kinds in _PLAIN:
        value = body.get(key)
        if value is not None:
            if type(value) not in kinds:
                return None
            payload[key] = float(value) if kinds is _NUMBER else value
    return payload


_NUMBER = (float, int)
_PLAIN = (("temperature", _NUMBER), ("max_tokens", (int,)), ("top_p", _NUMBER), ("stop", (str,)))


def _careful(name: str, body: Any, errors: list[dict[str, Any]]) -> Payload:
    """The payload, or mistakes in `errors`."""
    fields = Fields(body, errors)
    payload: Payload = {"task": name, "model": fields.required("model", fields.text)}
    messages: list[Fields] = fields.required("messages", fields.objects) or []
    payload["messages"] = [
        {
            "role": message.required("role", message.text),
            "content": message.optional("content", message.text),
        }
        for message in messages
    ]
    for key, read in (
        ("temperature", fields.number),
        ("max_tokens", fields.whole),
        ("top_p", fields.number),
        ("stop", fields.text_or_texts),
    ):
        value = fields.optional(key, read)
        if value is not None:
            payload[key] = value
    return payload


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Any:
    return result.get("completion") or result


CHAT = Task(name="openai/chat-completion", read=_read, write=_write)
