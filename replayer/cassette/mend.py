"""Requests and responses as others wrote them, made regular. Plain values in, plain values out.

Every irregularity here stands in public cassettes: see the corpus's list, and vcrpy's own history. What was lost or
guessed is added to `notes`; what is only another spelling is not.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from replayer.cassette.content import undo
from replayer.cassette.plain import Irregular

__all__ = ["mended_request", "mended_response"]


def mended_request(plain: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The request of an entry; `method`, `uri`, `body` and `headers`, and nothing else."""
    known = {"method", "uri", "url", "body", "headers", "parsed_body", "protocol", "host", "port", "path"}
    if unknown := [str(key) for key in plain if key not in known]:
        notes.append(f"its request has {', '.join(map(repr, unknown))}, which vcrpy does not know: left out")
    method = plain.get("method")
    if not isinstance(method, str):
        raise Irregular(f"its request's method is {method!r}")
    body = plain.get("body")
    if isinstance(body, dict) and body.keys() == {"base64_string"}:
        body = _unbase64(body["base64_string"], "request")
    if body is None and "parsed_body" in plain:
        body = _json(plain["parsed_body"])
    return {
        "method": method.upper(),
        "uri": _uri(plain),
        "body": None if body is None else _body(body, notes, "request"),
        "headers": _headers(plain.get("headers"), notes),
    }


def mended_response(plain: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The response of an entry, decoded; its other keys as they were."""
    regular = {key: plain[key] for key in plain if key not in ("body", "parsed_body", "content", "status_code")}
    regular["status"] = _status(plain)
    headers = _headers(plain.get("headers"), notes)
    body = _response_body(plain, notes)
    codings = [(name, values) for name, values in headers.items() if name.lower() == "content-encoding"]
    if codings and "replayer" not in plain:
        coding = ", ".join(value for _, values in codings for value in values)
        content = undo(body.encode() if isinstance(body, str) else body, coding)
        if content.encoding is not None:
            headers = {name: values for name, values in headers.items() if name.lower() != "content-encoding"}
            body = content.body
        regular["replayer"] = {} if content.encoding is None else {"encoding": coding}
        if content.note:
            notes.append(content.note)
    return {**regular, "headers": headers, "body": {"string": body}}


def _uri(plain: dict[str, Any]) -> str:
    """The absolute URI; before 1.0 vcrpy kept its parts."""
    uri = plain.get("uri", plain.get("url"))
    if isinstance(uri, str):
        return uri
    if "host" not in plain or "path" not in plain:
        raise Irregular("its request has no uri")
    scheme, port = plain.get("protocol", "http"), plain.get("port")
    usual = {"https": 443, "http": 80}.get(scheme)
    return f"{scheme}://{plain['host']}{'' if port in (None, usual) else f':{port}'}{plain['path']}"


def _status(plain: dict[str, Any]) -> dict[str, Any]:
    status: Any = plain.get("status", plain.get("status_code"))
    reason: Any = None
    if isinstance(status, dict):
        status, reason = status.get("code"), status.get("message")
    try:
        code = int(status)
    except (TypeError, ValueError):
        raise Irregular("its response has no status") from None
    return {"code": code, "message": "" if reason is None else _text(reason)}


def _response_body(plain: dict[str, Any], notes: list[str]) -> str | bytes:
    if "body" not in plain:
        if "parsed_body" in plain:
            return _json(plain["parsed_body"])
        if "content" in plain:  # vcrpy's layout for httpx, before 5.0
            return _body(plain["content"], notes, "response")
        raise Irregular("its response has no body")
    body = plain["body"]
    if isinstance(body, dict) and "string" in body:
        body = body["string"]
    elif isinstance(body, dict) and isinstance(body.get("base64_string"), str):
        return _unbase64(body["base64_string"], "response")
    return b"" if body is None else _body(body, notes, "response")


def _body(body: Any, notes: list[str], whose: str) -> str | bytes:
    if isinstance(body, str | bytes):
        return body
    if isinstance(body, dict | list):
        return _json(body)
    if isinstance(body, int | float):
        notes.append(f"its {whose}'s body is the bare value {body!r}, which YAML may have changed: quote it")
        return json.dumps(body)
    raise Irregular(f"its {whose}'s body is a {type(body).__name__}")


def _unbase64(text: Any, whose: str) -> bytes:
    """Bytes in a JSON cassette, as vcrpy wrote them before 1.0."""
    if not isinstance(text, str):
        raise Irregular(f"its {whose}'s base64_string is a {type(text).__name__}")
    try:
        return b64decode(text)
    except binascii.Error as error:
        raise Irregular(f"its {whose}'s base64_string: {error}") from None


def _json(value: Any) -> str:
    """The bytes that were on the wire, as far as anybody can know: Python's default separators."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Irregular(f"a body in it cannot be written as JSON: {error}") from None


def _headers(plain: Any, notes: list[str]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in _fields(plain):
        headers.setdefault(_text(name), []).extend(_values(value, _text(name), notes))
    return headers


def _fields(plain: Any) -> Iterable[tuple[Any, Any]]:
    if plain is None:
        return ()
    if isinstance(plain, Mapping):
        return plain.items()
    if isinstance(plain, list | tuple):
        return [_pair(item) for item in plain]
    raise Irregular(f"its headers are a {type(plain).__name__}")


def _pair(item: Any) -> tuple[Any, Any]:
    """`[name, value]`, or the line `name: value` that vcrpy wrote before 1.0."""
    if isinstance(item, str | bytes):
        name, colon, value = _text(item).partition(":")
        if colon:
            return name.strip(), value.strip()
    elif isinstance(item, list | tuple) and len(item) == 2:
        return item[0], item[1]
    raise Irregular(f"a header is {item!r}")


def _values(value: Any, name: str, notes: list[str]) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    for item in values:
        if not isinstance(item, str | bytes | int) or isinstance(item, bool):
            notes.append(f"a value of its header {name!r} is not text, and YAML may have changed it: quote it")
    return [_text(item) for item in values]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return value if isinstance(value, str) else "" if value is None else str(value)
