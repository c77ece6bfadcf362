"""The fields of a request's body, read as the original server reads them, with FastAPI's words for what is wrong.

All mistakes are collected, not only the first. Numbers are taken as pydantic takes them outside strict mode: `"0.5"`
is a number, `5.0` an integer. What nobody asks for is dropped. Knows bodies, no task.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson

from replayer.cassette.model import Request, header
from replayer.contract.message import UNREAD

__all__ = ["Fields", "Loc", "json_body", "json_value"]


Loc = tuple[str | int, ...]
"""Where a value stands: `("body", "messages", 0, "role")`."""


class Fields:
    """One JSON object of a body, and the list of mistakes that it shares with the others of the same body."""

    def __init__(self, value: Any, errors: list[dict[str, Any]], loc: Loc = ("body",)) -> None:
        self._loc = loc
        self.errors = errors
        self._value: dict[str, Any] = value if isinstance(value, dict) else {}
        self.is_object = isinstance(value, dict)
        if not self.is_object:
            message = "Input should be a valid dictionary or object to extract fields from"
            self.wrong("model_attributes_type", loc, message, value)

    def wrong(self, kind: str, loc: Loc, message: str, value: Any) -> None:
        """Note a mistake."""
        self.errors.append({"type": kind, "loc": list(loc), "msg": message, "input": value})

    def has(self, key: str) -> bool:
        """Whether the key is there, be it null."""
        return key in self._value

    def raw(self, key: str) -> Any:
        """The value as it came; None where it is missing."""
        return self._value.get(key)

    def required(self, key: str, read: Callable[[str], Any]) -> Any:
        """The value of a key that has to be there, read by one of the methods below."""
        if key in self._value:
            return read(key)
        if self.is_object:
            self.wrong("missing", (*self._loc, key), "Field required", self._value)
        return None

    def optional(self, key: str, read: Callable[[str], Any], default: Any = None) -> Any:
        """The value of a key that may be missing (then the default) or null (then None)."""
        if key not in self._value:
            return default
        return None if self._value[key] is None else read(key)

    def text(self, key: str) -> str | None:
        """A string."""
        value = self._value[key]
        if isinstance(value, str):
            return value
        self.wrong("string_type", (*self._loc, key), "Input should be a valid string", value)
        return None

    def number(self, key: str) -> float | None:
        """A number, or a string of one."""
        value = self._value[key]
        if isinstance(value, int | float):
            return float(value)
        if isinstance(value, str):
            try:
                return float(value)
            except ValueError:
                message = "Input should be a valid number, unable to parse string as a number"
                self.wrong("float_parsing", (*self._loc, key), message, value)
                return None
        self.wrong("float_type", (*self._loc, key), "Input should be a valid number", value)
        return None

    def whole(self, key: str) -> int | None:
        """An integer, a number without a fraction, or a string of an integer."""
        value = self._value[key]
        message = "Input should be a valid integer"
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if math.isfinite(value) and value.is_integer():
                return int(value)
            self.wrong("int_from_float", (*self._loc, key), f"{message}, got a number with a fractional part", value)
        elif isinstance(value, str):
            if value.strip().lstrip("+-").isdecimal() and len(value) < 20:
                return int(value)
            self.wrong("int_parsing", (*self._loc, key), f"{message}, unable to parse string as an integer", value)
        else:
            self.wrong("int_type", (*self._loc, key), message, value)
        return None

    def text_or_texts(self, key: str) -> str | list[str] | None:
        """A string or a list of strings."""
        value = self._value[key]
        if isinstance(value, str):
            return value
        loc = (*self._loc, key)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self.wrong("string_type", (*loc, "str"), "Input should be a valid string", value)
        if not isinstance(value, list):
            self.wrong("list_type", (*loc, "list[str]"), "Input should be a valid list", value)
            return None
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.wrong("string_type", (*loc, "list[str]", index), "Input should be a valid string", item)
        return None

    def objects(self, key: str) -> list[Fields] | None:
        """A list of objects, each to be read in its turn."""
        value = self._value[key]
        if isinstance(value, list):
            return [Fields(item, self.errors, (*self._loc, key, index)) for index, item in enumerate(value)]
        self.wrong("list_type", (*self._loc, key), "Input should be a valid list", value)
        return None


def json_body(request: Request, errors: list[dict[str, Any]], value: Any = UNREAD) -> Any:
    """The JSON value of a body; None with a mistake noted where there is none.

    As in FastAPI, a body of another content type is not parsed: it is a string where an object should be. `value` is
    what `orjson.loads` makes of the same bytes, from whoever has parsed them before; it changes no outcome.
    """
    body = request.body or b""
    if not body:
        errors.append({"type": "missing", "loc": ["body"], "msg": "Field required", "input": None})
        return None
    said = header(request.headers, "content-type") or "application/json"
    if said != "application/json" and not _is_json(said):
        return body[:1024].decode("utf-8", "replace")
    return json_value(body, errors) if value is UNREAD else value


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def json_value(body: bytes, errors: list[dict[str, Any]]) -> Any:
    """The JSON value that a body is, whatever it was said to be; None with a mistake noted where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        loc = ["body", error.pos]
        context = {"error": error.msg}
        errors.append({"type": "json_invalid", "loc": loc, "msg": "JSON decode error", "input": {}, "ctx": context})
        return None
