"""Named places whose value is secret whatever it looks like: fields of JSON, query keys, form fields, parts of a form.

The rule: a place is recognised in the syntax in which it is written, also inside a JSON string that holds JSON (a tool
call's arguments), and what replaces its value keeps that syntax whole. Pure patterns over bytes; `find.py` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["PRIVATE_KEY", "REPLACEMENT", "Field", "form_fields", "json_fields", "query_fields"]

REPLACEMENT = b"[REDACTED]"

NESTED = 5
"""JSON, JSON in its strings, and so on: what a tool call's arguments need in a log of logs (measured: a level that does
not occur costs nothing, five in all 2 ms at the start)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One syntax. `whole` has the value as its group 1; `grows` matches what goes on an open value."""

    kind: str
    mark: bytes
    """Stands in every match: a buffer without it need not be searched."""
    whole: re.Pattern[bytes]
    grows: re.Pattern[bytes]
    closed: bool
    """Whether a value that reaches the end of what there is may still go on."""
    replacement: bytes = REPLACEMENT


_IN_A_KEY = rb"(?:[^-]|-(?!-))"
PRIVATE_KEY = Field(
    "private key",
    b"PRIVATE KEY",
    re.compile(rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(" + _IN_A_KEY + b"++)", re.DOTALL),
    re.compile(_IN_A_KEY + b"*+", re.DOTALL),
    False,
)
"""RFC 7468, and what OpenSSH and PGP write: what stands between the two lines goes."""


def json_fields(names: Iterable[str]) -> list[Field]:
    """Fields of JSON with a string or a number as value; names as they are written, in their case."""
    alternatives = _alternatives(names)
    if not alternatives:
        return []
    fields = []
    quote, back, plain, unit = b'"', rb"\\", rb'[^"\\]', rb"."
    for depth in range(NESTED):
        space = rb"(?:\s|\\+[nrt])*+" if depth else rb"\s*+"
        lead = quote + b"(?:" + alternatives + b")" + quote + space + b":" + space
        text = b"(?:" + plain + b"|" + back + unit + b")"
        written = quote.replace(rb"\\", b"\\")
        for closed, end in ((True, b"(?=" + quote + b")"), (False, rb"\\*\Z")):
            whole = re.compile(lead + quote + b"(" + text + b"++)" + end, re.DOTALL)
            fields.append(Field("field", written, whole, re.compile(text + b"*+", re.DOTALL), closed))
        number = re.compile(lead + rb"(-?[0-9][0-9.eE+-]*+)")
        digits = re.compile(rb"[0-9.eE+-]*+")
        fields.append(Field("field", written, number, digits, False, written + REPLACEMENT + written))
        # One level deeper: what was a character is now an escaped one.
        plain, unit = b"(?:%s|%s(?!%s|%s)%s)" % (plain, back, quote, back, unit), b"(?:%s|%s%s)" % (plain, back, unit)
        quote, back = back + quote, back + back
    return fields


def query_fields(names: Iterable[str], *, form: bool = False) -> list[Field]:
    """`?name=value` and `&name=value` anywhere in a text, `&` also as JSON and HTML may write it; names in any case.

    In a form a value ends at `&` only.
    """
    alternatives = _alternatives(names)
    if not alternatives:
        return []
    value = rb"[^&]" if form else rb"[^&\s\"'<>\\#]"
    whole = re.compile(rb"(?:[?&]|&amp;|\\u0026)(?i:" + alternatives + rb")=(" + value + b"++)")
    return [Field("query key", b"=", whole, re.compile(value + b"*+"), False)]


def form_fields(names: Iterable[str]) -> list[Field]:
    """The parts of a `multipart/form-data` body; a form in a query's syntax is `query_fields`'."""
    alternatives = _alternatives(names)
    if not alternatives:
        return []
    lead = rb"\bname=\"?(?i:" + alternatives + rb")\"?(?:;[^\r\n]*+)?\r\n(?:[^\r\n]++\r\n)*+\r\n"
    value = rb"(?:(?!\r\n--).)"
    whole = re.compile(lead + b"(" + value + b"++)", re.DOTALL)
    return [Field("form field", b"name=", whole, re.compile(value + b"*+", re.DOTALL), False)]


def _alternatives(names: Iterable[str]) -> bytes:
    return b"|".join(re.escape(name.encode()) for name in sorted(names, key=lambda name: (-len(name), name)))
