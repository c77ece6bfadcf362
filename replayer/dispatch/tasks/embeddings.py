"""`openai/embeddings`: POST /v1/embeddings. `encoding_format` is forwarded and not applied, as in production."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.tasks.task import Ask, Payload, Task, Unusable

__all__ = ["EMBEDDINGS"]


def _read(name: str, request: Request, value: Any) -> Ask | Response:
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors, value)
    if errors:
        return reply.unprocessable(errors)
    fields = Fields(body, errors)
    payload: Payload = {
        "task": name,
        "model": fields.required("model", fields.text),
        "input": fields.required("input", fields.text_or_texts),
    }
    for key, read in (("encoding_format", fields.text), ("dimensions", fields.whole)):
        value = fields.optional(key, read)
        if value is not None:
            payload[key] = value
    return reply.unprocessable(errors) if errors else Ask(payload=payload)


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Any:
    embeddings = result.get("embeddings") or []
    if not isinstance(embeddings, list):
        raise Unusable("embeddings is not a list")
    usage = result.get("usage")
    counts = usage if isinstance(usage, dict) else result
    return {
        "object": "list",
        "data": [_item(position, item) for position, item in enumerate(embeddings)],
        "model": payload["model"],
        "usage": {key: counts.get(key) or 0 for key in ("prompt_tokens", "total_tokens")},
    }


def _item(position: int, item: Any) -> dict[str, Any]:
    """Workers give an object with `index` and `embedding`; the bare vector is understood too."""
    if isinstance(item, list):
        return {"object": "embedding", "index": position, "embedding": item}
    if not isinstance(item, dict):
        raise Unusable(f"embeddings[{position}] is neither an object nor a vector")
    return {"object": "embedding", "index": item.get("index", position), "embedding": item.get("embedding", [])}


EMBEDDINGS = Task(name="openai/embeddings", read=_read, write=_write)
