"""`openai/chat-completion`: POST /v1/chat/completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.tasks.task import Ask, Payload, Task

__all__ = ["CHAT"]


def _read(name: str, request: Request) -> Ask | Response:
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors)
    if errors:
        return reply.unprocessable(errors)
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
    if errors:
        return reply.unprocessable(errors)
    return Ask(payload=payload, wants_stream=fields.raw("stream") is True)


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Response:
    return reply.json(200, result.get("completion") or result)


CHAT = Task(name="openai/chat-completion", read=_read, write=_write)
