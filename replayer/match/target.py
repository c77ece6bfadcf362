"""The target of a request: host, path and query, spelled in one way.

The rule: two spellings that RFC 3986 (section 6.2.2) calls equal come out equal, and so do `//ws` and `/ws`, `%3A` and
`:` within a segment. An escaped slash stays escaped: it separates nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote_to_bytes

__all__ = ["Query", "Target", "host_of", "split_target"]

Query = tuple[tuple[str, str], ...]
"""Decoded pairs, sorted."""

_PCHAR = "-._~!$&'()*+,;=:@"
_PLAIN = re.compile(r"/(?:[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*(?:/|$))*\Z")
"""A path that is spelled as it should be: no escape, no empty segment, none that begins with a dot."""
_DEFAULT_PORTS = (":443", ":80")


class Target(NamedTuple):
    """What a URI points at."""

    websocket: bool
    host: str
    """In lower case, without a default port; `""` where the URI names none."""
    path: str
    query: Query


def split_target(uri: str, *, ignored: frozenset[str] = frozenset()) -> Target:
    """Take an absolute URI, or a path with a query, apart; pairs of the `ignored` keys are left out."""
    scheme, found, rest = uri.partition("://")
    if not found or "/" in scheme or "?" in scheme:
        scheme, authority, rest = "", "", uri
    else:
        cut = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
        authority, rest = rest[:cut], rest[cut:]
    rest = rest.partition("#")[0]
    path, _, query = rest.partition("?")
    return Target(scheme[:2].lower() == "ws", _host(authority), _path(path), _query(query, ignored))


def host_of(name: str) -> str:
    """The host of a URI, or of `host[:port]`, as `Target.host` spells it."""
    return split_target(name).host if "://" in name else _host(name.partition("/")[0])


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2].lower()
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host


def _path(path: str) -> str:
    if _PLAIN.match(path):
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        spelled = quote(unquote_to_bytes(segment), safe=_PCHAR)
        if spelled == "..":
            del kept[-1:]
        elif spelled not in ("", "."):
            kept.append(spelled)
    closing = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + closing


def _query(query: str, ignored: frozenset[str]) -> Query:
    if not query:
        return ()
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    if ignored:
        pairs = [pair for pair in pairs if pair[0] not in ignored]
    pairs.sort()
    return tuple(pairs)
