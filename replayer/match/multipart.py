"""Multipart bodies by their parts: what a part is called and holds; the boundary says nothing.

The rule: parts of different names may come in any order, parts of one name keep theirs (RFC 7578, section 5.2). A
body that is not multipart after all gives None, and its bytes are compared.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import NamedTuple

__all__ = ["Part", "boundary_of", "split_parts"]

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)


class Part(NamedTuple):
    """One part."""

    name: str
    filename: str
    content_type: str
    content: bytes


def split_parts(body: bytes, content_type: str) -> tuple[Part, ...] | None:
    """The parts, sorted by name; None where the body does not keep to its own boundary."""
    boundary = _boundary(body, content_type)
    if boundary is None:
        return None
    pieces = re.split(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(?=--|[ \t]*\r?\n)", body)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return None
    parts = [part for part in map(_part, pieces[1:-1]) if part is not None]
    if len(parts) != len(pieces) - 2:
        return None
    return tuple(sorted(parts, key=lambda part: part.name))


def boundary_of(content_type: str) -> bytes | None:
    """What a content type says; None where it is not multipart's."""
    found = _BOUNDARY.search(content_type) if content_type[:10].lower() == "multipart/" else None
    return (found[1] or found[2]).encode("latin-1", "replace") if found else None


def _boundary(body: bytes, content_type: str) -> bytes | None:
    """What the header says, or the body's own first line where the header is another's or says nothing."""
    named = boundary_of(content_type)
    if named is not None and b"--" + named in body:
        return named
    first = body.partition(b"\n")[0].strip()
    return first[2:] if first.startswith(b"--") and len(first) > 2 else None


def _part(piece: bytes) -> Part | None:
    head, found, content = re.sub(rb"\A[ \t]*\r?\n", b"", piece).partition(b"\r\n\r\n")
    if not found:
        head, found, content = re.sub(rb"\A[ \t]*\r?\n", b"", piece).partition(b"\n\n")
    if not found:
        return None
    fields = Message()
    for line in head.decode("utf-8", "surrogateescape").splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return Part(
        name=_parameter(fields, "name"),
        filename=_parameter(fields, "filename"),
        content_type=str(fields.get("content-type", "")).lower(),
        content=content,
    )


def _parameter(fields: Message, name: str) -> str:
    value = fields.get_param(name, "", header="content-disposition")
    return value[2] if isinstance(value, tuple) else str(value)
