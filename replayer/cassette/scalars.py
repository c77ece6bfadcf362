"""JSON that is YAML too: how a value is written so that both kinds of reader see the same.

JSON is YAML only with care (probed against libyaml and against PyYAML's own scanner): some characters are escaped
that JSON would let stand, a float keeps its dot and the sign of its exponent, and bytes become `!!binary`, which only
YAML knows. What JSON cannot say at all (a date, a key that is no string or a very long one) is written as YAML on one
line. Nothing here knows cassettes.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

__all__ = ["KEY_LIMIT", "json_bytes", "json_line", "json_text", "number"]

KEY_LIMIT = 1000
"""Bytes. YAML reads a key only if its colon comes within 1,024 characters."""

# U+007F to U+009F, U+2028, U+2029, U+FEFF, U+FFFE and U+FFFF in UTF-8: inside strings only, because the rest of JSON
# is ASCII.
_CAREFUL = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")


def json_line(value: Any) -> bytes:
    """One line without its newline, JSON wherever JSON can say it, YAML always."""
    try:
        data = orjson.dumps(value if _is_plain(value) else _careful(value))
    except TypeError:
        return _yaml_line(value)
    return _escaped(data)


def json_text(text: str) -> str:
    """A string in double quotes that JSON and YAML read alike."""
    return json_bytes(text).decode()


def json_bytes(text: str) -> bytes:
    """The same, encoded."""
    return _escaped(orjson.dumps(text))


def number(value: float) -> str:
    """A float that JSON and YAML 1.1 read alike: `1.0e+16`, never `1e16`; YAML alone has `.inf` and `.nan`."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    mantissa, e, exponent = repr(value).partition("e")
    if not e:
        return mantissa
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _escaped(data: bytes) -> bytes:
    # Most is ASCII, and to know that is quick.
    return data if data.isascii() and b"\x7f" not in data else _CAREFUL.sub(_escape, data)


def _escape(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode("utf-8"))


def _is_plain(value: Any) -> bool:
    """Whether orjson writes it with no care but that for single characters."""
    kind = type(value)
    if kind is dict:
        return all(type(k) is str and len(k) < KEY_LIMIT // 4 and _is_plain(v) for k, v in value.items())
    if kind is list:
        return all(map(_is_plain, value))
    if kind is float:
        return "e" not in repr(value) and math.isfinite(value)
    return kind is str or value is None or kind is bool or (kind is int and -(2**63) <= value < 2**64)


def _careful(value: Any) -> Any:
    """The same value with fragments where orjson would not do; a TypeError where JSON cannot say it."""
    if isinstance(value, Mapping):
        if any(type(key) is not str or len(json_text(key)) > KEY_LIMIT for key in value):
            raise TypeError("a key that JSON, or YAML on one line, cannot have")
        return {key: _careful(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_careful(item) for item in value]
    if isinstance(value, bytes):
        return orjson.Fragment(b'!!binary "' + b64encode(value) + b'"')
    if type(value) is float:
        return orjson.Fragment(number(value))
    if type(value) is int:
        return orjson.Fragment(str(value))
    if value is None or type(value) in (str, bool):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")


def _yaml_line(value: Any) -> bytes:
    return _flow(value).encode()


def _flow(value: Any) -> str:
    """YAML's flow style with every text in double quotes, for what JSON cannot say."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow_key(key)}{_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, set):
        return "!!set " + _flow(dict.fromkeys(value))
    if isinstance(value, bytes):
        return f'!!binary "{b64encode(value).decode()}"'
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return number(value)
    if value is None or isinstance(value, bool | int):
        return "null" if value is None else str(value).lower()
    return json_text(str(value))


def _flow_key(key: Any) -> str:
    text = _flow(key)
    return f"{text}: " if len(text) < KEY_LIMIT else f"? {text} : "
