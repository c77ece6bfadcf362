"""Server-sent events: a stored body cut into its events, byte for byte, and one event read.

The pieces joined are the body again: each keeps its separators, whichever of the three line endings the upstream
used (WHATWG HTML, "Server-sent events"). Knows nothing of time or of what an event means.
"""

from __future__ import annotations

import re

__all__ = ["end_of_event", "event_data", "is_whole", "split_events"]

_EOL = rb"(?:\r\n|\n|\r(?!\n))"
_BLANK_LINE = re.compile(_EOL + _EOL + b"+")
_ENDS_BLANK = re.compile(_EOL + _EOL + rb"\Z")
_LINE = re.compile(r"\r\n|\n|\r")


def split_events(body: bytes) -> list[bytes]:
    """Cut `body` after each run of blank lines. The last piece lacks one where the stream ended in the middle."""
    pieces = []
    start = 0
    for boundary in _BLANK_LINE.finditer(body):
        pieces.append(body[start : boundary.end()])
        start = boundary.end()
    if start < len(body):
        pieces.append(body[start:])
    return pieces


def is_whole(event: bytes) -> bool:
    """Whether the piece ends with its blank line; a client throws away the event that does not."""
    return _ENDS_BLANK.search(event) is not None


def end_of_event(held: bytes | bytearray, start: int) -> int | None:
    """Where the first event of an unfinished stream ends, sought from `start` on; None where its end has not come."""
    found = _BLANK_LINE.search(held, start)
    return None if found is None else found.end()


def event_data(event: bytes) -> tuple[str | None, str]:
    """Name and data of one event: `(None, "")` for a comment. Lines of data are joined by `\\n`, as clients do."""
    name: str | None = None
    data: list[str] = []
    for line in _LINE.split(event.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value or None
    return name, "\n".join(data)
