"""The answers of the REST surface, in the shapes that clients of the original server know: compact JSON, `detail`."""

from __future__ import annotations

from typing import Any

import orjson

from replayer.cassette.model import Response

__all__ = ["detail", "json", "not_allowed", "plain", "unprocessable"]

_JSON = (("content-type", "application/json"),)


def json(status: int, value: Any) -> Response:
    """A JSON answer. Raises TypeError where the value nests deeper than orjson writes (254 levels)."""
    return Response(status=status, headers=_JSON, body=orjson.dumps(value))


def detail(status: int, text: str) -> Response:
    """An error: `{"detail": …}`."""
    return json(status, {"detail": text})


def not_allowed(allowed: str) -> Response:
    """A 405: the path answers these methods only."""
    refused = detail(405, "Method Not Allowed")
    return Response(status=405, headers=(*refused.headers, ("allow", allowed)), body=refused.body)


def plain(text: str) -> Response:
    """An answer of plain text."""
    body = text.encode("utf-8", "replace")
    return Response(status=200, headers=(("content-type", "text/plain; charset=utf-8"),), body=body)


def unprocessable(errors: list[dict[str, Any]]) -> Response:
    """A 422 with the list of what is wrong, as FastAPI writes it."""
    try:
        return json(422, {"detail": errors})
    except TypeError:  # the input that an error repeats nests too deeply: say the same without it
        return json(422, {"detail": [{**error, "input": None} for error in errors]})
