"""Request bodies that a recording has by their digest only: too large to be stored, or to be compared by kind.

The rule: such a body is the recorded one if its bytes are. A multipart body is written with another boundary at every
run, so it is asked for under each recorded boundary. Pure: whoever has the body works out its digests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set

from replayer.cassette.model import Omitted, Request, header
from replayer.match import body
from replayer.match.body import BodyKind, read_body
from replayer.match.multipart import boundary_of
from replayer.match.rules import NO_RULES

__all__ = ["Unstored"]

_NOTHING: Mapping[bytes | None, Set[Omitted]] = {}


class Unstored:
    """The unstored bodies of what was recorded, by method and boundary."""

    def __init__(self) -> None:
        self._known: dict[str, dict[bytes | None, set[Omitted]]] = {}

    def learn(self, request: Request) -> None:
        """One more recorded request."""
        if request.omitted is None and len(request.body or b"") <= body.LARGE:
            return
        kind, value = read_body(request, NO_RULES)
        assert kind is BodyKind.OMITTED
        boundary = boundary_of(header(request.headers, "content-type") or "")
        self._known.setdefault(request.method.upper(), defaultdict(set))[boundary].add(value)

    def of(self, method: str) -> Mapping[bytes | None, Set[Omitted]]:
        """Those of a method, by the boundary that each was written with; None for what is not multipart."""
        return self._known.get(method.upper(), _NOTHING) if self._known else _NOTHING
