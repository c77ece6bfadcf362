"""A contract: what was agreed, held against what was said. Messages in, violations out.

A message that no document speaks of is uncovered, never a violation; nor is one judged that is not all there: a body
that was omitted or redacted away, the torn end of a cut stream. Knows no files, sockets or time; compiling a schema
is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from replayer.cassette.model import End, Frame, FrameKind, Headers, Interaction, Request, Response, Sender
from replayer.cassette.sse import is_whole, split_events
from replayer.contract.asyncapi import Channel
from replayer.contract.checked import Checked, total
from replayer.contract.connection import Connection, knowing
from replayer.contract.events import Events
from replayer.contract.media import choose, is_json, media_type
from replayer.contract.message import NO_JSON, REDACTED, UNREAD, Spoken, Unreadable, excerpt, parse
from replayer.contract.openapi import Content, Operation
from replayer.contract.passing import Passing
from replayer.contract.schema import Compile, Schema
from replayer.contract.uri import parts_of
from replayer.contract.violation import Severity, Violation

__all__ = ["Checked", "Contract"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every answer.
_COMPLETE = End.COMPLETE

_REMEMBERED = 4096
"""Look-ups kept: paths that carry ids must not grow the memory for ever."""


_NOTHING = Checked()
_UNCOVERED = Checked(uncovered=1)
_GOOD_REQUEST = Checked(requests=1)
_GOOD_RESPONSE = Checked(responses=1)
_GOOD_FRAME = Checked(frames=1)


class Contract:
    """All documents together. Of several that speak of a message, the one nearest to it, then the first, holds.

    `service` names the service that a message is known to belong to (`casola` on a dispatched route, the name of an
    upstream): documents with that `x-service` come first, wherever the service lives.
    """

    def __init__(self, operations: Iterable[Operation], channels: Iterable[Channel], compile_: Compile) -> None:
        self.operations = tuple(operations)
        self.channels = tuple(channels)
        self._compile = compile_
        self._schemas: dict[str, Schema] = {}
        self._found: dict[tuple[str, str, str | None], Operation | _ByHeader | None] = {}
        self._bound: dict[tuple[str, str | None], tuple[Channel, ...]] = {}

    def request(
        self, request: Request, *, where: str, service: str | None = None, spoken: Spoken | None = None
    ) -> Checked:
        """Hold a request's body against its operation. `spoken` is told its JSON, where it was parsed and is some."""
        operation = self._operation(request, service)
        if operation is None or request.omitted is not None:
            return _UNCOVERED
        if not request.body:
            if not operation.request_required:
                return _GOOD_REQUEST
            missing = _violation(where, "a body", "none", operation.uri)
            return Checked(requests=1, violations=(missing,))
        media = media_type(request.headers, request.body)
        content = choose(operation.request, media) if media else None
        if content is None and media and operation.request:
            wrong = _violation(where, " or ".join(operation.request), media, operation.uri, Severity.WARNING)
            return Checked(requests=1, violations=(wrong,))
        value = _parsed(content, media or "", request.body)
        if spoken is not None and not isinstance(value, Unreadable):
            spoken.asked = value
        found = _check(content, request.body, value, where)
        if not found:
            return _UNCOVERED if found is None else _GOOD_REQUEST
        return Checked(requests=1, violations=found)

    def response(
        self, request: Request, response: Response, *, where: str, service: str | None = None, value: Any = UNREAD
    ) -> Checked:
        """Hold an answer against the operation of its request: status, media type, body, every event of a stream.

        `value` is what its JSON says, where that is known.
        """
        operation = self._operation(request, service)
        if operation is None or not operation.responses or response.omitted is not None:
            return _UNCOVERED
        contents = operation.response(response.status)
        if contents is None:
            known = ", ".join(operation.responses)
            wrong = _violation(where, f"a status of {known}", str(response.status), operation.uri, Severity.WARNING)
            return Checked(responses=1, violations=(wrong,))
        if not contents or request.method.upper() == "HEAD" or response.status in (204, 304):
            return _GOOD_RESPONSE
        cut = response.end is not _COMPLETE
        media = media_type(response.headers, response.body)
        content = choose(contents, media) if media else None
        if content is None:
            if cut or REDACTED.encode() in response.body[:64]:
                return _UNCOVERED
            told = media or ("an empty body" if not response.body else "no content type")
            # An error page of a proxy in between is read by nobody; a good answer of a wrong type breaks clients.
            severity = Severity.ERROR if response.status < 400 else Severity.WARNING
            wrong = _violation(where, " or ".join(contents), told, operation.uri, severity)
            return Checked(responses=1, violations=(wrong,))
        if content.events is not None:
            return _stream(content.events, response.body, where, cut=cut)
        if value is UNREAD and not cut:
            value = _parsed(content, media or "", response.body)
        found = None if cut else _check(content, response.body, value, where)
        if not found:
            return _UNCOVERED if found is None else _GOOD_RESPONSE
        return Checked(responses=1, violations=found)

    def answers(self, request: Request, *, service: str | None = None) -> bool:
        """Whether any contract speaks of the answers to a request."""
        operation = self._operation(request, service)
        return operation is not None and bool(operation.responses)

    def stream(self, request: Request, status: int, *, where: str, service: str | None = None) -> Passing | None:
        """What follows a live stream by the operation of its request; None where no contract speaks of its events."""
        operation = self._operation(request, service)
        contents = operation.response(status) if operation is not None else None
        content = choose(contents, "text/event-stream") if contents else None
        return None if content is None or content.events is None else Passing(content.events, where)

    def connection(self, uri: str, *, service: str | None = None) -> Connection:
        """What follows a connection to `uri`, frame by frame."""
        return Connection(self._channels(parts_of(uri).path, service), service)

    def frame(
        self, channel: str, sender: Sender, payload: str | bytes, *, where: str, service: str | None = None
    ) -> Checked:
        """Hold a WebSocket message against the schema of its type. `channel` is the path of the connection."""
        bound = self._channels(channel, service)
        if not bound:
            return _UNCOVERED
        chosen = bound[0] if len(bound) == 1 else _chosen(bound, sender, parse(payload))
        return _frame(chosen.check_payload(sender, payload, where))

    def frame_value(
        self, channel: str, sender: Sender, value: Any, *, where: str, service: str | None = None
    ) -> Checked:
        """The same for a message that is parsed already."""
        bound = self._channels(channel, service)
        found = _chosen(bound, sender, value).check(sender, value, where) if bound else None
        return _frame(found)

    def frames(
        self, channel: str, *, where: str, service: str | None = None
    ) -> Callable[[Sender, Any], tuple[Violation, ...]]:
        """The same for all messages of a channel: gives the violations of each."""
        bound = self._channels(channel, service)
        if len(bound) == 1:
            return partial(bound[0].check, where=where)
        return lambda sender, value: _chosen(bound, sender, value).check(sender, value, where) if bound else ()

    def interaction(self, interaction: Interaction, *, where: str, service: str | None = None) -> Checked:
        """All of an interaction: request, answer, events; or every frame of a connection."""
        request, response = interaction.request, interaction.response
        if response.frames is not None:
            return self._connection(request, response.frames, where, service)
        if response.stub is not None:
            # A stub's request is a pattern, and its template is not yet an answer.
            whole = not {"template", "events"} & set(response.stub)
            answered = self.response(request, response, where=f"{where} response", service=service)
            return _UNCOVERED + (answered if whole else _UNCOVERED)
        asked = self.request(request, where=f"{where} request", service=service)
        return asked + self.response(request, response, where=f"{where} response", service=service)

    def against(self, schema: str, value: Any, *, where: str) -> tuple[Violation, ...]:
        """Hold a parsed value against one schema by its URI (`https://replayer.dev/schemas/…`)."""
        known = self._schemas.get(schema)
        if known is None:
            known = self._schemas[schema] = Schema(schema, self._compile)
        return known.check(value, where)

    def _connection(self, request: Request, frames: tuple[Frame, ...], where: str, service: str | None) -> Checked:
        connection = self.connection(request.uri, service=service)
        heard = [
            connection.hear(
                frame.sender,
                frame.text if frame.kind is FrameKind.TEXT else frame.data,
                f"{where} frame {number} ({frame.sender})",
            )
            for number, frame in enumerate(frames)
            if frame.kind is not FrameKind.CLOSE
        ]
        return total([*heard, connection.end()])

    def _operation(self, request: Request, service: str | None) -> Operation | None:
        key = (request.method, request.uri.partition("?")[0], service)
        try:
            found = self._found[key]
        except KeyError:
            found = self._look_up(request, service)
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = found
        return found.of(request.headers) if isinstance(found, _ByHeader) else found

    def _look_up(self, request: Request, service: str | None) -> Operation | _ByHeader | None:
        parts = parts_of(request.uri)
        method, host = request.method.upper(), parts.hostname or ""
        path = parts.path.replace("//", "/") or "/"
        of_method = [operation for operation in self.operations if operation.method == method]

        def nearest(told: frozenset[str]) -> Operation | None:
            near = [
                (nearness, operation.variables, -operation.length, order)
                for order, operation in enumerate(of_method)
                if (nearness := operation.nearness(host, path, service, told)) is not None
            ]
            return of_method[min(near)[-1]] if near else None

        fields = frozenset(
            operation.header
            for operation in of_method
            if operation.header is not None and operation.nearness(host, path, service) is not None
        )
        return _ByHeader(fields, nearest) if fields else nearest(frozenset())

    def _channels(self, path: str, service: str | None) -> tuple[Channel, ...]:
        key = (path, service)
        found = self._bound.get(key)
        if found is None:
            normal = path.partition("?")[0].replace("//", "/")
            fitting = [channel for channel in self.channels if channel.fits(normal)]
            own = [channel for channel in fitting if service is not None and channel.service == service]
            found = tuple(own or fitting)
            if len(self._bound) >= _REMEMBERED:
                self._bound.clear()
            self._bound[key] = found
        return found


def _chosen(bound: tuple[Channel, ...], sender: Sender, value: Any) -> Channel:
    """Of several channels at one path, the one that knows a message."""
    return bound[0] if len(bound) == 1 else knowing(bound, sender, value) or bound[0]


class _ByHeader:
    """A place that documents share which know their requests by a header of theirs."""

    def __init__(self, fields: frozenset[str], nearest: Callable[[frozenset[str]], Operation | None]) -> None:
        self._fields = fields
        self._nearest = nearest
        self._found: dict[frozenset[str], Operation | None] = {}

    def of(self, headers: Headers) -> Operation | None:
        """The operation of a request with these headers."""
        told = self._fields.intersection(name.lower() for name, _ in headers)
        if told not in self._found:
            self._found[told] = self._nearest(told)
        return self._found[told]


def _parsed(content: Content | None, media: str, body: bytes) -> Any:
    """The JSON of a whole body, or Unreadable; UNREAD where there is nothing to judge it by."""
    if content is None or content.schema is None or not is_json(media):
        return UNREAD
    return parse(body)


def _check(content: Content | None, body: bytes, value: Any, where: str) -> tuple[Violation, ...] | None:
    """Violations of a whole body, whose JSON is `value`; None where there is nothing to judge it by."""
    if value is UNREAD or content is None or content.schema is None:
        return None
    if isinstance(value, Unreadable):
        if REDACTED.encode() in body:
            return None
        return (_violation(where, f"JSON ({value.reason})", excerpt(body), NO_JSON),)
    if value == REDACTED:
        return None
    return content.schema.check(value, where)


def _stream(events: Events, body: bytes, where: str, *, cut: bool) -> Checked:
    pieces = split_events(body)
    if cut and pieces and not is_whole(pieces[-1]):
        pieces.pop()
    passing = Passing(events, where)
    violations = [violation for piece in pieces for violation in passing.hear(piece)]
    if not cut:
        violations.extend(passing.end())
    return Checked(responses=1, events=passing.count, violations=tuple(violations))


def _frame(found: tuple[Violation, ...] | None) -> Checked:
    if found is None:
        return _UNCOVERED
    return Checked(frames=1, violations=found) if found else _GOOD_FRAME


def _violation(where: str, expected: str, actual: str, schema: str, severity: Severity = Severity.ERROR) -> Violation:
    return Violation(where=where, pointer="", expected=expected, actual=actual, schema=schema, severity=severity)
