"""Interactions as plain values (dicts, lists, strings, numbers), in the one regular layout, and back.

The regular layout is DESIGN.md's: what we write, and what vcrpy writes nowadays. Whatever else stands in a file
raises `Irregular` and is mended by `migrate` first. Nothing here knows YAML, JSON or files.
"""

from __future__ import annotations

from typing import Any

from replayer.cassette.extras import RESPONSE_KEYS, Extras, extras_of, extras_to_plain
from replayer.cassette.model import Headers, Interaction, Omitted, Request, Response, header

__all__ = ["Irregular", "from_plain", "to_plain"]

_REQUEST_KEYS = frozenset({"method", "uri", "body", "headers"})


class Irregular(ValueError):
    """An entry that is not in the regular layout; says what is wrong with it."""


def from_plain(entry: Any) -> tuple[Interaction, list[str]]:
    """The interaction of a regular entry, and what was ignored in it. Raises `Irregular`."""
    if type(entry) is not dict:
        raise Irregular("it is not a mapping")
    asked, answered = entry.get("request"), entry.get("response")
    if type(asked) is not dict:
        raise Irregular("it has no request")
    if type(answered) is not dict:
        raise Irregular("it has no response")
    response, request_omitted, notes = _response(answered)
    extra = {} if len(entry) == 2 else {key: v for key, v in entry.items() if key not in ("request", "response")}
    return Interaction(request=_request(asked, request_omitted), response=response, extra=extra), notes


def to_plain(interaction: Interaction) -> dict[str, Any]:
    """The regular entry of an interaction: dicts, lists, str, bytes, int, float, bool and None."""
    request, response = interaction.request, interaction.response
    answered: dict[str, Any] = {
        "status": {"code": response.status, "message": response.reason},
        "headers": _headers_to_plain(response.headers),
        "body": {"string": _text_or_bytes(response.body)},
    }
    answered.update({key: value for key, value in response.extra.items() if key != "replayer"})
    trusted = header(response.headers, "content-encoding") is None
    ours = extras_to_plain(response, trusted=trusted, request_omitted=request.omitted)
    if ours:
        answered["replayer"] = ours
    return {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": None if request.body is None else _text_or_bytes(request.body),
            "headers": _headers_to_plain(request.headers),
        },
        "response": answered,
        **interaction.extra,
    }


def _request(plain: dict[str, Any], omitted: Omitted | None) -> Request:
    method, uri, body = plain.get("method"), plain.get("uri"), plain.get("body")
    if not (type(method) is str and method.upper() == method and type(uri) is str and plain.keys() <= _REQUEST_KEYS):
        raise Irregular("its request has no method or no uri, or something else beside them")
    if type(body) is str:
        body = body.encode()
    elif body is not None and type(body) is not bytes:
        raise Irregular(f"its request's body is a {type(body).__name__}")
    return Request(method=method, uri=uri, headers=_headers(plain.get("headers")), body=body, omitted=omitted)


def _response(plain: dict[str, Any]) -> tuple[Response, Omitted | None, list[str]]:
    status, body = plain.get("status"), plain.get("body")
    if type(status) is not dict or type(body) is not dict:
        raise Irregular("its response has no status or no body")
    code, reason, content = status.get("code"), status.get("message"), body.get("string")
    if type(code) is not int or not (reason is None or type(reason) is str):
        raise Irregular(f"its status is {code!r} {reason!r}")
    if type(content) is str:
        content = content.encode()
    elif type(content) is not bytes:
        raise Irregular(f"its response's body is a {type(content).__name__}")
    headers = _headers(plain.get("headers"))
    ours = plain.get("replayer")
    if ours is None and header(headers, "content-encoding") is not None:
        raise Irregular("its response may be compressed")
    extras, notes = extras_of(ours, body=content) if ours is not None else (Extras(), [])
    others = {} if plain.keys() <= RESPONSE_KEYS else {k: v for k, v in plain.items() if k not in RESPONSE_KEYS}
    if extras.unknown:
        others["replayer"] = extras.unknown
    response = Response(
        status=code,
        reason=reason or "",
        headers=headers,
        body=content,
        at=extras.at,
        chunks=extras.chunks,
        encoding=extras.encoding,
        end=extras.end,
        omitted=extras.omitted,
        frames=extras.frames,
        stub=extras.stub,
        extra=others,
    )
    return response, extras.request_omitted, notes


def _headers(plain: Any) -> Headers:
    if type(plain) is not dict:
        raise Irregular("its headers are not a mapping")
    fields: list[tuple[str, str]] = []
    for name, values in plain.items():
        if type(values) is not list or type(name) is not str:
            raise Irregular(f"the header {name!r} has no list of values")
        for value in values:
            if type(value) is not str:
                raise Irregular(f"a value of the header {name!r} is a {type(value).__name__}")
            fields.append((name, value))
    return tuple(fields)


def _headers_to_plain(headers: Headers) -> dict[str, list[str]]:
    """vcrpy's layout: a list of values a name. The order of different names between repeats is not kept."""
    plain: dict[str, list[str]] = {}
    for name, value in headers:
        plain.setdefault(name, []).append(value)
    return plain


def _text_or_bytes(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
