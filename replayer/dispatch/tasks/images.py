"""`fal/text-to-image`: POST /v1/images/generations. Images are answered by their URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.dispatch.tasks import reply
from replayer.dispatch.tasks.fields import Fields, json_body
from replayer.dispatch.tasks.task import Ask, Payload, Task, Unusable

__all__ = ["IMAGES"]

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


def _read(name: str, request: Request, value: Any) -> Ask | Response:
    errors: list[dict[str, Any]] = []
    body = json_body(request, errors, value)
    if errors:
        return reply.unprocessable(errors)
    fields = Fields(body, errors)
    prompt = fields.required("prompt", fields.text)
    model = fields.optional("model", fields.text, "dall-e-3")
    count = fields.optional("n", fields.whole, 1)
    size = fields.optional("size", fields.text, "1024x1024")
    found = _SIZE.fullmatch("1024x1024" if size in (None, "", "auto") else size)
    if found is None:
        fields.wrong("value_error", ("body", "size"), 'Input should be "auto" or like "1024x1024"', size)
    if errors or found is None:
        return reply.unprocessable(errors)
    return Ask(
        payload={
            "task": name,
            "model": model,
            "prompt": prompt,
            "num_images": count or 1,
            "image_size": {"width": int(found[1]), "height": int(found[2])},
        }
    )


def _write(payload: Payload, result: Mapping[str, Any], now_s: float) -> Any:
    images = result.get("images") or []
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise Unusable("images is not a list of objects")
    data = [{"url": image.get("url", ""), "revised_prompt": payload["prompt"]} for image in images]
    return {"created": int(now_s), "data": data}


IMAGES = Task(name="fal/text-to-image", read=_read, write=_write)
