"""Errors as the providers word them: an injected 429 must look to a client like its provider's own.

Shapes: OpenAI `{"error": {message, type, param, code}}`, Anthropic `{"type": "error", "error": {type, message},
"request_id"}`, Gemini `{"error": {code, message, status, details}}` (google.rpc.Code). Whose shape it is, the host
that was recorded says, then the request's headers, then its path; who says nothing gets OpenAI's, which most
imitate.
"""

from __future__ import annotations

import re
from enum import StrEnum

import orjson

from replayer.cassette.model import Request

__all__ = ["Provider", "error_body", "provider_of"]


class Provider(StrEnum):
    """Whose API it is."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


_GEMINI_PATH = re.compile(r"/models/[^/]+(?::|%3a)[a-z]+", re.IGNORECASE)
_ANTHROPIC_PATH = re.compile(r"/v1/messages(?:/|\Z)")

_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_GEMINI_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_OPENAI_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def provider_of(request: Request, *, host: str | None = None) -> Provider:
    """Whose API a request speaks; `host` is the recorded one, where a route knows it."""
    host = (host or "").lower()
    if "anthropic" in host:
        return Provider.ANTHROPIC
    if "googleapis" in host:
        return Provider.GEMINI
    if "openai" in host:
        return Provider.OPENAI
    names = {name.lower() for name, _ in request.headers}
    path, _, query = request.uri.partition("?")
    if "anthropic-version" in names or _ANTHROPIC_PATH.search(path):
        return Provider.ANTHROPIC
    if "x-goog-api-key" in names or _GEMINI_PATH.search(path) or ("&" + query).find("&key=") >= 0:
        return Provider.GEMINI
    return Provider.ANTHROPIC if "x-api-key" in names else Provider.OPENAI


def error_body(provider: Provider, status: int, message: str) -> bytes:
    """The JSON that the provider would answer with this status."""
    if provider is Provider.ANTHROPIC:
        kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        error = {"type": kind, "message": message}
        return orjson.dumps({"type": "error", "error": error, "request_id": "req_replayer_fault"})
    if provider is Provider.GEMINI:
        word = _GEMINI_STATUSES.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
        return orjson.dumps({"error": {"code": status, "message": message, "status": word, "details": []}})
    kind = "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"
    code = _OPENAI_CODES.get(status)
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})
