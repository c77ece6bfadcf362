"""Problem details (RFC 9457): how we refuse. One shape for every answer that is an error of ours.

The rule: `detail` says what happened and what to do next, for a person who has only the answer to look at; what
programs need stands in members of its own. Never a secret: whoever shows a request redacts it first.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from replayer.cassette.model import Headers, Response

__all__ = ["TYPE", "problem"]

TYPE = "https://replayer.dev/problems/"
"""What the `type` of every problem of ours begins with."""


def problem(
    kind: str, *, status: int, title: str, detail: str, headers: Headers = (), members: dict[str, Any] | None = None
) -> Response:
    """The answer. `kind` is the end of its type, `members` what stands beside the standard ones."""
    # Bytes of a request that are no UTF-8 come as lone surrogates, which nobody can send on.
    detail = detail.encode("utf-8", "backslashreplace").decode()
    # `message` is an extension: what the official OpenAI client (3.x) puts into its exception, and all that it does.
    told = {"type": TYPE + kind, "title": title, "status": status, "detail": detail, "message": detail}
    body = {**told, **(members or {})}
    return Response(
        status=status,
        reason=_reason(status),
        headers=(("content-type", "application/problem+json"), *headers),
        body=orjson.dumps(body, default=str),
    )


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
