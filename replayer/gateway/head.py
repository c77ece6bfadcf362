"""The head of a request: all that can be told of it before its body is looked at.

The rule: equal heads say the same, and a client sends few that differ, so what one says is worked out once and kept.
Nothing in it belongs to a single request; so how long the body is, which differs most, is left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from aiohttp import web

from replayer.cassette.model import Headers
from replayer.gateway.door import FRONT, Door
from replayer.gateway.headers import NOTHING, Ours, split_headers
from replayer.gateway.session import split_session
from replayer.match.index import Known
from replayer.match.target import host_of

__all__ = ["Head", "Heads"]

_CONTROL = "/__replayer/"
_KEPT = 128
"""Heads: more than clients have, and few enough to stay near at hand where each differs."""
_PASSED = 1024
"""New heads that are not kept once there are so many; then all begins anew."""
_KEPT_BYTES = 4096
"""Of the longest head that is kept."""
_Fields = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True, kw_only=True)
class Head:
    """What a request's line and fields say."""

    method: str
    target: str
    """Path and query, without the session's prefix."""
    shown: str
    """The target without its secrets."""
    headers: Headers = ()
    """As they came, without the fields that are ours, and without the body's length."""
    ours: Ours = NOTHING
    telling: Headers = ()
    """Those of `headers` that change what is asked, beside the content type."""
    session: str | None = None
    """Its name; None for the default one."""
    control: bool = False
    """Whether it asks control, and no session."""
    websocket: bool = False
    known: Mapping[bytes | None, Known] | None = None
    """What is known of the requests that were recorded with such a head, by their bodies; None before one was found."""


class Heads:
    """The heads that came lately."""

    def __init__(self, redact: Callable[[str], str], *, lengths: bool = False) -> None:
        """`redact` takes the secrets out of a target; `lengths`: somebody matches by the body's length."""
        self._redact = redact
        self._lengths = lengths
        self._length_at = 0
        self._kept: dict[object, Head] = {}
        self._passed = 0

    def of(self, raw: web.BaseRequest, door: Door) -> Head:
        """What a request's head says that came in by `door`. UsageError where it asks for what there is not."""
        if door is not FRONT:
            return self._read(raw, door)
        fields = raw.raw_headers if self._lengths else self._unmeasured(raw.raw_headers)
        key = (raw.method, raw.raw_path, fields)
        head = self._kept.get(key)
        if head is None:
            head = self._read(raw, door)
            if self._has_room() and len(raw.raw_path) + sum(map(len, chain.from_iterable(fields))) <= _KEPT_BYTES:
                self._kept[key] = head
        return head

    def unread(self, raw: web.BaseRequest) -> Head:
        """Of a request whose fields are not to be understood."""
        target = _target(raw)
        return Head(method=raw.method, target=target, shown=self._redact(target))

    def _has_room(self) -> bool:
        """Whether one more is kept. Once there are enough, most that are new are not: where each head differs, keeping
        them costs more than reading them, and those that come again come soon.
        """
        if len(self._kept) < _KEPT:
            return True
        self._passed += 1
        if self._passed > _PASSED:
            self._passed = 0
            self._kept.clear()
        return False

    def _unmeasured(self, fields: _Fields) -> _Fields:
        """The fields without the body's length."""
        at = self._place_of_length(fields)
        return fields if at < 0 else fields[:at] + fields[at + 1 :]

    def _place_of_length(self, fields: _Fields) -> int:
        """Where the body's length stands: with one client, always in the same place. -1 for nowhere."""
        at = self._length_at
        if at >= len(fields) or fields[at][0].lower() != b"content-length":
            at = next((at for at, (name, _) in enumerate(fields) if name.lower() == b"content-length"), -1)
            self._length_at = max(at, 0)
        return at

    def _read(self, raw: web.BaseRequest, door: Door) -> Head:
        target = _target(raw)
        if door.proxied and target is not raw.raw_path:
            door = replace(door, host=host_of(raw.raw_path))
        headers: Headers = tuple(raw.headers.items())
        if not self._lengths and (at := self._place_of_length(raw.raw_headers)) >= 0:
            headers = headers[:at] + headers[at + 1 :]
        session = None
        if target.startswith(_CONTROL):
            session, target = split_session(target)
        if target.startswith(_CONTROL):  # control stands in no journal: nothing of it is shown
            return Head(method=raw.method, target=target, shown="", headers=headers, session=session, control=True)
        headers, ours, telling = split_headers(headers)
        return Head(
            method=raw.method,
            target=target,
            shown=self._redact(target),
            headers=headers,
            ours=ours if door is FRONT else door.of(ours),
            telling=telling,
            session=ours.session or session,
            websocket=raw.headers.get("Upgrade", "").lower() == "websocket",
        )


def _target(raw: web.BaseRequest) -> str:
    """Path and query; of the absolute form that proxies are sent (RFC 9112, 3.2.2), too."""
    target = raw.raw_path
    return target if target[:1] == "/" else raw.rel_url.raw_path_qs
