"""Whose API a request speaks: what its own headers say where one path was recorded from several hosts.

The rule: a hint only chooses among what is recorded, it never refuses. Facts: what the official clients send
(Anthropic: `anthropic-version` or `x-api-key`, Gemini `x-goog-api-key` or `?key=`, OpenAI `Authorization`).
"""

from __future__ import annotations

from replayer.cassette.model import Request

__all__ = ["hinted"]

_ANTHROPIC = "api.anthropic.com"
_GEMINI = "generativelanguage.googleapis.com"


def hinted(request: Request, hosts: frozenset[str]) -> frozenset[str] | None:
    """Those of the recorded `hosts` that the request's headers speak for; None where they say nothing of use."""
    names = {name.lower() for name, _ in request.headers}
    _, _, query = request.uri.partition("?")
    if "anthropic-version" in names or "x-api-key" in names:
        meant = hosts & {_ANTHROPIC}
    elif "x-goog-api-key" in names or query.startswith("key=") or "&key=" in query:
        meant = hosts & {_GEMINI}
    elif "authorization" in names:
        meant = hosts - {_ANTHROPIC, _GEMINI}
    else:
        return None
    return meant or None
