"""Normalising: from a request to the key under which the index knows it.

The rule: two requests have the same key if and only if the matchers call them equal (but for the host, which a key
does not hold: see `player`). Both sides, recorded and asked, come through here.
"""

from __future__ import annotations

from typing import NamedTuple

from replayer.cassette.model import Request
from replayer.match.body import Body, fingerprint, read_body
from replayer.match.rules import Rules
from replayer.match.target import Query, split_target

__all__ = ["WEBSOCKET", "Key", "Normal", "normalize"]

WEBSOCKET = "WEBSOCKET"
"""Stands in the method's place where a connection is asked for: its GET is never an ordinary one's."""


class Key(NamedTuple):
    """What the index is asked for."""

    method: str
    path: str
    query: Query
    body: bytes
    """Fingerprint."""
    headers: Query = ()


class Normal(NamedTuple):
    """A request, spelled in one way."""

    method: str
    """In upper case, or `WEBSOCKET`."""
    host: str
    path: str
    query: Query
    body: Body
    headers: Query = ()
    """Those that the rules look at: names in lower case, values in their order."""

    @property
    def key(self) -> Key:
        return Key(self.method, self.path, self.query, fingerprint(self.body), self.headers)


def normalize(request: Request, rules: Rules) -> Normal:
    """Spell a request in one way, without what the rules ignore."""
    websocket, host, path, query = split_target(request.uri, ignored=rules.ignore_query)
    method = WEBSOCKET if websocket else request.method.upper()
    headers = _fields(request, rules.match_headers) if rules.match_headers else ()
    return Normal(method, host, path, query, read_body(request, rules), headers)


def _fields(request: Request, wanted: tuple[str, ...]) -> Query:
    return tuple((name, value.strip()) for name in wanted for given, value in request.headers if given.lower() == name)
