"""The flow layout: a short preamble, then one interaction a line as JSON, which is YAML.

A line is the unit: one that ends without its newline is torn (its writer was killed) and dropped. Nothing else is ever
guessed. JSON has no bytes, so a body that is not text stands as `!!binary "…"`, which YAML readers know; ours takes
such tags out before the JSON parser sees the line.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from replayer.cassette.loader import load_yaml
from replayer.cassette.scalars import json_line
from replayer.errors import CassetteError

__all__ = ["FLOW_MARK", "FlowFile", "flow_line", "is_flow", "preamble", "read_entry", "read_flow", "read_lines"]

FLOW_MARK = "# replayer flow 1"
"""The first line of every flow file."""

_MARK = FLOW_MARK.encode()
_TAG = b'!!binary "'
_HOLE = "\0!!binary"
"""The key that stands for a tag while JSON is parsed; no file of ours can have it outside of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFile:
    """What a flow file says: its top-level values without the interactions, and its entries."""

    head: Mapping[str, Any]
    entries: list[Any]
    torn: bool
    """The last line had no newline and was dropped."""


def is_flow(data: bytes) -> bool:
    """Whether a file begins as ours do, even if it was cut in its first line's newline."""
    return data.startswith(_MARK) and data[len(_MARK) : len(_MARK) + 1] in (b"", b"\n", b"\r")


def preamble(head: Mapping[str, Any]) -> bytes:
    """All lines before the first interaction, the last one being `interactions:`."""
    lines = [_MARK, *(json_key(key) + json_line(value) for key, value in head.items()), b"interactions:", b""]
    return b"\n".join(lines)


def json_key(key: str) -> bytes:
    """`key: ` of a top-level line."""
    return key.encode() + b": "


def flow_line(entry: Mapping[str, Any]) -> bytes:
    """One entry, with its newline."""
    return b"- " + json_line(entry) + b"\n"


def read_flow(data: bytes, *, name: str) -> FlowFile:
    """Read a flow file. Raises `CassetteError` for a whole line that cannot be read."""
    lines = data.split(b"\n")
    torn = lines.pop() != b""
    head, entries = read_lines(lines, name=name)
    return FlowFile(head=head, entries=list(entries), torn=torn)


def read_lines(lines: Iterable[bytes], *, name: str) -> tuple[Mapping[str, Any], Iterator[Any]]:
    """The head of a flow file, and its entries as they are asked for; whole lines, without their newlines."""
    numbered = enumerate(lines, 1)
    return _head(numbered, name), _entries(numbered, name)


def read_entry(line: bytes, *, name: str) -> Any:
    """The entry of one line, without its newline. Raises `CassetteError`."""
    return next(_entries([(1, line)], name))


def _head(lines: Iterator[tuple[int, bytes]], name: str) -> dict[str, Any]:
    text: list[bytes] = []
    for _, line in lines:
        text.append(line)
        if line.startswith(b"interactions:"):
            break
    head = load_yaml(b"\n".join(text), name=name)
    if head is None:  # cut within its preamble: nothing was recorded yet
        return {}
    if not isinstance(head, dict):
        raise CassetteError(f"{name}: its preamble is not a mapping; restore the file, or record it again")
    head.pop("interactions", None)
    return head


def _entries(lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[Any]:
    loads = orjson.loads
    for number, line in lines:
        if line[:2] == b"- ":
            try:
                yield loads(line[2:])
            except orjson.JSONDecodeError:
                yield _tagged(line, number, name)
        elif line.strip() and not line.startswith(b"#"):
            raise CassetteError(
                f"{name}, line {number}: a flow file has one interaction a line, beginning with `- `; "
                f"remove its first line if it was edited to be ordinary YAML"
            )


def _tagged(line: bytes, number: int, name: str) -> Any:
    """A line with bytes in it, or one that somebody edited into YAML."""
    holed, blobs = _take_out(line[2:])
    if blobs:
        try:
            return _fill(orjson.loads(holed), blobs)
        except orjson.JSONDecodeError:
            pass
    try:
        (entry,) = load_yaml(line, name=name)
    except (CassetteError, TypeError, ValueError):
        raise CassetteError(
            f"{name}, line {number}: this line is neither JSON nor YAML; repair or remove it, nothing was changed"
        ) from None
    return entry


def _take_out(line: bytes) -> tuple[bytes, list[bytes]]:
    """Replace each tagged string by a hole, and return what was in them.

    Exact without looking at the quoting: the quote of the mark cannot be an escaped one, and if it were the closing
    one of a string that ends in these words, then what follows would not be base64, which has no `,`, `:`, `}` or `]`.
    """
    pieces: list[bytes] = []
    blobs: list[bytes] = []
    done = 0
    start = line.find(_TAG)
    while start >= 0:
        begin = start + len(_TAG)
        end = line.find(b'"', begin)
        if end < 0:
            break
        try:
            blobs.append(binascii.a2b_base64(line[begin:end], strict_mode=True))
        except binascii.Error:
            end = begin - 1
        else:
            pieces += [line[done:start], b'{"\\u0000!!binary":%d}' % (len(blobs) - 1)]
            done = end + 1
        start = line.find(_TAG, end + 1)
    pieces.append(line[done:])
    return b"".join(pieces), blobs


def _fill(value: Any, blobs: list[bytes]) -> Any:
    if isinstance(value, dict):
        if _HOLE in value:
            return blobs[value[_HOLE]]
        return {key: _fill(item, blobs) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, blobs) for item in value]
    return value
