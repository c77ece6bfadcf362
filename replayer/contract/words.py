"""What the evidence says of texts: the format that all of them have, and whether they are words of a closed set.

A text alone cannot say that it is one of a few; many of them together can, and so can the name of their place. Knows
texts only, no schemas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["DISCRIMINATORS", "closed", "formats_of", "is_token", "names_a_kind"]

DISCRIMINATORS = ("type", "event", "object", "kind", "op", "method", "role")
"""Properties by which APIs tell kinds of objects apart, the most telling first."""

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.:/+-]{0,63}")
_WORD = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}")
_KIND = re.compile(r"(?:.*[_-])?(?:type|object|kind|event|role|status|state|reason|level|mode|format)")
_EACH = 2
"""How often each value of a closed set is met, at least."""
_SHARE = 4
"""How many samples there are for each value of a closed set, at least."""

_FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII),
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "uri": re.compile(r"(?:https?|wss?|ftp)://[A-Za-z0-9.\[\]:_-]+(?:[/?#][!-~]*)?"),
    "email": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"),
    "ipv4": re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII),
}


def formats_of(text: str) -> frozenset[str]:
    """The formats of JSON Schema that a text has."""
    if len(text) > 2048:
        return frozenset()
    return frozenset(name for name, pattern in _FORMATS.items() if pattern.fullmatch(text))


def is_token(text: str) -> bool:
    """Whether a text can be the name of a kind."""
    return _TOKEN.fullmatch(text) is not None


def names_a_kind(name: str) -> bool:
    """Whether a property of this name holds a word of a vocabulary: `status`, `finish_reason`."""
    return _KIND.fullmatch(name.lower()) is not None


def closed(counts: Mapping[str, int]) -> bool:
    """Whether texts, by how often they were met, are a closed set: two or more words, each met again and again."""
    if len(counts) < 2 or not all(_WORD.fullmatch(text) for text in counts):
        return False
    return min(counts.values()) >= _EACH and sum(counts.values()) >= _SHARE * len(counts)
