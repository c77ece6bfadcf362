"""AsyncAPI 3, read into channels: which schema holds for which message, by who sends it and by its `type`.

The document describes the server of the connection (`receive` is what clients send) unless its info says
`x-describes: client`. Messages of one direction are told apart by one property, a constant in the schema of each:
`type` above all; `x-when-type` of a message says it without opening its schema. A connection belongs to a channel if
its path ends with the channel's address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replayer.cassette.model import Sender
from replayer.contract.documents import Place
from replayer.contract.message import NO_JSON, REDACTED, Unreadable, excerpt, parse
from replayer.contract.schema import Compile, Schema
from replayer.contract.violation import Violation
from replayer.errors import closest

__all__ = ["Channel", "read_asyncapi"]

_SELECTORS = ("type", "message_type", "event", "kind", "op", "method")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One WebSocket address and its messages."""

    uri: str
    service: str | None
    address: str
    selector: str
    """The property that tells messages apart; `""` where a direction has one message only."""
    messages: Mapping[Sender, Mapping[str, Schema]]
    binary: bool = False
    """Whether JSON comes in binary frames too (`x-frames: any`), as from Gemini."""

    def fits(self, path: str) -> bool:
        """Whether a connection to this path can be one of this channel: clients keep base paths."""
        return path == self.address or path.endswith("/" + self.address.lstrip("/"))

    def knows(self, sender: Sender, value: object) -> bool:
        """Whether a message is of a known type of this channel."""
        if not self.selector:
            return bool(self.messages.get(sender))
        told = value.get(self.selector) if isinstance(value, dict) else None
        return isinstance(told, str) and told in self.messages.get(sender, {})

    def check_payload(self, sender: Sender, payload: str | bytes, where: str) -> tuple[Violation, ...] | None:
        """Hold a message as it came against the schema of its type; None for one that redaction made unreadable."""
        if isinstance(payload, bytes) and not self.binary:
            return (_violation(where, "a text frame with JSON", f"a binary frame {excerpt(payload, 80)}", NO_JSON),)
        value = parse(payload)
        if isinstance(value, Unreadable):
            if REDACTED in (payload if isinstance(payload, str) else payload.decode("utf-8", "replace")):
                return None
            return (_violation(where, f"JSON ({value.reason})", excerpt(payload), NO_JSON),)
        return self.check(sender, value, where)

    def check(self, sender: Sender, value: Any, where: str) -> tuple[Violation, ...]:
        """Hold a parsed message against the schema of its type."""
        schemas = self.messages.get(sender, {})
        if not self.selector:
            return next(iter(schemas.values())).check(value, where) if schemas else ()
        if type(value) is not dict:
            return (_violation(where, f'an object with "{self.selector}"', excerpt(value), self.uri),)
        told = value.get(self.selector)
        schema = schemas.get(told) if type(told) is str else None
        if schema is not None:
            return schema.check(value, where)
        expected = f"one of {', '.join(schemas)}" if schemas else f"no message from the {sender}"
        if isinstance(told, str):
            expected += closest(told, schemas)
        actual = excerpt(told) if self.selector in value else f'no "{self.selector}" in {excerpt(value, 80)}'
        return (_violation(where, expected, actual, self.uri, pointer=f"/{self.selector}"),)


def read_asyncapi(document: Place, compile_: Compile) -> list[Channel]:
    """All channels of a document. Raises ContractError, with file and pointer, for one that is wrong."""
    version = document.text("asyncapi") or ""
    if not version.startswith("3."):
        raise document.wrong(f"AsyncAPI {version} is not read; convert the document to 3.0")
    info = document.get("info")
    client = info is not None and info.text("x-describes") == "client"
    service = info.text("x-service") if info else None
    channels = document.get("channels")
    spoken = _spoken(document, client=client)
    return [
        _channel(place, service, spoken.get(place.uri, {}), compile_)
        for _, place in (channels.each() if channels else ())
        if isinstance(place.get("address"), Place)
    ]


def _spoken(document: Place, *, client: bool) -> dict[str, dict[Sender, list[Place]]]:
    """The messages of each channel, by the channel's URI and the sender, as the operations say."""
    spoken: dict[str, dict[Sender, list[Place]]] = {}
    operations = document.get("operations")
    for _, operation in operations.each() if operations else ():
        channel = operation.get("channel")
        action = operation.text("action")
        if channel is None or action not in ("send", "receive"):
            raise operation.wrong("an operation has an action (send or receive) and a channel")
        sender = Sender.SERVER if (action == "send") != client else Sender.CLIENT
        listed = operation.get("messages") or channel.get("messages")
        places = [place for _, place in listed.each()] if listed else []
        spoken.setdefault(channel.uri, {}).setdefault(sender, []).extend(places)
    return spoken


@dataclass(frozen=True, slots=True)
class _Message:
    """One message as it is declared."""

    payload: Place
    type: str | None
    """What `x-when-type` says."""

    def told(self, name: str) -> str | None:
        """The constant that the property `name` has in this message, or None."""
        if self.type is not None:
            return self.type if name == "type" else None
        properties = self.payload.followed().get("properties") if name else None
        declared = properties.get(name) if properties else None
        return declared.text("const") if declared else None


def _channel(place: Place, service: str | None, spoken: Mapping[Sender, list[Place]], compile_: Compile) -> Channel:
    messages = {sender: [_message(message) for message in declared] for sender, declared in spoken.items()}
    everything = [message for declared in messages.values() for message in declared]
    selector = next(
        (name for name in _SELECTORS if all(message.told(name) is not None for message in everything)), None
    )
    if selector is None and any(len(declared) > 1 for declared in messages.values()):
        raise place.wrong(f"no property tells the messages apart: give each a constant {_SELECTORS[0]!r}")
    return Channel(
        uri=place.uri,
        service=service,
        address=place.text("address") or "",
        selector=selector or "",
        messages={
            sender: {
                message.told(selector or "") or "": Schema(message.payload.target, compile_) for message in declared
            }
            for sender, declared in messages.items()
        },
        binary=place.text("x-frames") == "any",
    )


def _message(message: Place) -> _Message:
    """A message with the place of its schema: inside a Multi Format Schema Object, if it is one."""
    payload = message.raw("payload")
    if payload is None:
        raise message.wrong("a message has a payload")
    inner = payload.raw("schema") if payload.raw("schemaFormat") else None
    return _Message(inner or payload, message.text("x-when-type"))


def _violation(where: str, expected: str, actual: str, schema: str, *, pointer: str = "") -> Violation:
    return Violation(where=where, pointer=pointer, expected=expected, actual=actual, schema=schema)
