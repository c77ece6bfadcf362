"""The block layout: YAML written for people, for reading and for review in a diff.

A text of several lines stands as it is, under `|`, wherever YAML gives it back exactly (so that a server-sent event is
a line in a diff); any other that needs care stands in double quotes. What is short and flat stands on one line.
PyYAML's own emitter would escape every emoji, hence this one; it knows plain values only, no cassettes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replayer.cassette.scalars import KEY_LIMIT, json_line, json_text, number

__all__ = ["block_items", "block_text"]

_WIDTH = 120

# Conservative: nothing that YAML could take for a number, a date, a boolean, a null or syntax, in any context.
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_/+.-]*(?: [A-Za-z][A-Za-z0-9_/+.-]*)*\Z")
_BARE_URI = re.compile(r"(?:https?|wss?)://[A-Za-z0-9_/.:?&=%~+@;$-]*[A-Za-z0-9_/=]\Z")
_RESERVED = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null"})
# Printable to YAML 1.1, breaks of lines apart: what stands for itself in single quotes or under `|`.
_PRINTABLE = re.compile("[\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\\Z")
_TRAILING = re.compile(r"[ \t](?:\n|\Z)")


def block_text(document: Mapping[str, Any]) -> str:
    """The document as YAML, with a newline at its end."""
    return "".join(f"{line}\n" for line in _mapping(document, ""))


def block_items(items: Iterable[Any]) -> Iterator[str]:
    """The lines of a list that stands at the top level, item by item."""
    for item in items:
        yield from (f"{line}\n" for line in _sequence([item], ""))


def _mapping(value: Mapping[Any, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        text = _scalar(key)
        # YAML finds the colon of a key only if it comes soon; a longer key says that it is one.
        head = f"{indent}{text}:" if len(text) < KEY_LIMIT else f"{indent}? {text}\n{indent}:"
        # A sequence may stand at its key's own indentation, and reads better there.
        yield from _under(head, item, indent if isinstance(item, list) else indent + "  ")


def _sequence(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        short = _inline(item)
        if isinstance(item, dict) and item and (short is None or len(indent) + len(short) > _WIDTH):
            lines = _mapping(item, indent + "  ")
            yield f"{indent}- {next(lines).removeprefix(indent + '  ')}"
            yield from lines
        elif isinstance(item, list) and item and (short is None or len(indent) + len(short) > _WIDTH):
            yield f"{indent}-"
            yield from _sequence(item, indent + "  ")
        else:
            yield from _under(f"{indent}-", item, indent + "  ")


def _under(head: str, item: Any, indent: str) -> Iterator[str]:
    """A value after its key or dash: on the same line where it is short, else below, indented."""
    short = _inline(item)
    # Nothing stands below the key of what is empty, and nothing is null: it stays on the line, however long that is.
    if short is not None and (item in ({}, []) or len(head) + len(short) < _WIDTH):
        yield f"{head} {short}"
    elif isinstance(item, dict):
        yield head
        yield from _mapping(item, indent)
    elif isinstance(item, list):
        yield head
        yield from _sequence(item, indent)
    elif isinstance(item, bytes):
        yield f"{head} !!binary |"
        encoded = b64encode(item).decode()
        yield from (f"{indent}{encoded[at : at + 76]}" for at in range(0, len(encoded), 76))
    elif isinstance(item, str) and _is_literal(item):
        yield f"{head} |{_chomping(item)}"
        lines = item.removesuffix("\n").split("\n")
        yield from (f"{indent}{line}" if line else "" for line in lines)
    else:
        yield f"{head} {_scalar(item)}"


def _inline(value: Any) -> str | None:
    """The value on one line, or None where it is not flat: a mapping of scalars, or lists of scalars and of these."""
    if isinstance(value, dict):
        if any(_deep(key) or _deep(item) or isinstance(item, list) for key, item in value.items()):
            return None
        return "{" + ", ".join(f"{_scalar(key)}: {_scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        if len(value) > _WIDTH:
            return None
        items = [_inline(item) if isinstance(item, list) else None if _deep(item) else _scalar(item) for item in value]
        return None if None in items else "[" + ", ".join(filter(None, items)) + "]"
    return None if isinstance(value, bytes) or not _is_short(value) else _scalar(value)


def _deep(value: Any) -> bool:
    return isinstance(value, dict | bytes) or not _is_short(value)


def _is_short(value: Any) -> bool:
    """Texts of one line that may share it with others."""
    return not isinstance(value, str) or (len(value) < _WIDTH and not _is_literal(value))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    return json_line(value).decode()


def _chomping(text: str) -> str:
    """What YAML is told of the newlines at a literal's end: none, one, or all that stand there."""
    if not text.endswith("\n"):
        return "-"
    return "+" if text.endswith("\n\n") else ""


def _quoted(text: str) -> str:
    if len(text) < 200 and _BARE.match(text) and text.lower() not in _RESERVED:
        return text
    if len(text) < 500 and _BARE_URI.match(text):
        return text
    if _PRINTABLE.match(text):
        return "'" + text.replace("'", "''") + "'"
    return json_text(text)


def _is_literal(text: str) -> bool:
    """Whether `|` gives the text back exactly, and helps: several lines, the first of them not indented or empty."""
    return (
        "\n" in text
        and text[0] not in " \t\n"
        and text.strip("\n") != ""
        and _TRAILING.search(text) is None
        and all(map(_PRINTABLE.match, text.split("\n")))
    )
