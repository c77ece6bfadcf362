"""What the recorder process tells its parent, a JSON object a line on its stdout. Values; redacted already."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["Exchanged", "Failed", "Message", "Notice", "Ready", "Standing", "Summary", "decode", "encode", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The listeners are up."""

    listeners: tuple[str, ...]
    """`http://127.0.0.1:PORT`, the shared one first."""
    names: tuple[tuple[str, str], ...]
    """Each upstream's name and the base URL at which clients reach it here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """An exchange is in the cassette."""

    upstream: str
    method: str
    uri: str
    status: int
    ms: float
    bytes: int
    frames: int
    end: str
    relay: str = ""
    """What the gateway in front called it; empty where there is none."""
    known: bool = False
    """Played from the cassette, and not recorded: a gateway tells of such, the recorder itself never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a relayed exchange stands, to whoever asks. All that was written before has been told before."""

    relay: str
    under_way: bool
    """Whether something may still come of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the user should know and that ends nothing."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The recording ends for this reason, with this exit status."""

    text: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The recording is over and everything is on disk."""

    exchanges: int
    """Newly in the cassette, connections among them."""
    connections: int
    frames: int
    bytes: int
    redacted: int
    recovered: int
    """Interactions that a killed run had left in the spool."""
    requests: int
    """Those that came, whether or not there was an answer to keep."""
    file: str
    """Empty if nothing was written."""
    files: tuple[tuple[str, int], ...] = ()
    """Those that were written, and how many new interactions each has."""
    left_in_flow: tuple[str, ...] = ()
    """Files that there was no time to lay out: whole, and in flow."""
    passed: int = 0
    """Requests and connections to hosts that are not recorded."""
    blocked: int = 0
    """Requests that were refused for their host."""


Message = Ready | Exchanged | Standing | Notice | Failed | Summary
_KINDS: dict[str, type[Message]] = {
    "ready": Ready,
    "exchange": Exchanged,
    "standing": Standing,
    "notice": Notice,
    "failed": Failed,
    "summary": Summary,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def plain(message: Message) -> dict[str, Any]:
    """As JSON: its kind under `message`, and its fields."""
    fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    return {"message": _NAMES[type(message)], **fields}


def encode(message: Message) -> bytes:
    """One line, with its newline."""
    return orjson.dumps(plain(message), option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Message | None:
    """The message of a line, or None if it is none of ours."""
    try:
        fields: dict[str, Any] = orjson.loads(line)
        kind = _KINDS[fields.pop("message")]
        if kind is Ready:
            return Ready(listeners=tuple(fields["listeners"]), names=tuple((n, url) for n, url in fields["names"]))
        if kind is Summary:
            fields["files"] = tuple((path, count) for path, count in fields["files"])
            fields["left_in_flow"] = tuple(fields["left_in_flow"])
        return kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
