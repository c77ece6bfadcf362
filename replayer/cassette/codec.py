"""The codec of cassettes: bytes in, values out, and back. It knows every layout and no files.

`decode` reads what vcrpy reads, with equal values, and more. What is no cassette is an error that says so; an entry
that cannot be used is a `Problem` and the rest loads; nothing is ever guessed in silence.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from typing import Any

import orjson

from replayer.cassette.extras import BadExtras
from replayer.cassette.flow import FLOW_MARK, flow_line, is_flow, preamble, read_entry, read_flow, read_lines
from replayer.cassette.foreign import foreign_bytes
from replayer.cassette.jsonfile import json_pieces
from replayer.cassette.loader import load_yaml
from replayer.cassette.metadata import metadata_of, metadata_to_plain
from replayer.cassette.migrate import Document, document_of, mended
from replayer.cassette.model import Cassette, Interaction, Metadata, Problem
from replayer.cassette.plain import Irregular, from_plain, to_plain
from replayer.errors import CassetteError

__all__ = [
    "FLOW_MARK",
    "Layout",
    "decode",
    "decode_entry",
    "decode_lines",
    "encode",
    "encode_line",
    "encode_pieces",
    "encode_preamble",
    "layout_of",
]


class Layout(StrEnum):
    """How a cassette stands in its file."""

    BLOCK = "block"
    """YAML for reading, and for review in a diff."""
    FLOW = "flow"
    """YAML, an interaction a line: for appending, and for loading quickly."""
    JSON = "json"
    """vcrpy's JSON serializer; a body that is no text stands as base64, which vcrpy does not play."""


def layout_of(data: bytes) -> Layout:
    """The layout of a file, by its first bytes."""
    if is_flow(data):
        return Layout.FLOW
    return Layout.JSON if data.lstrip()[:1] in (b"{", b"[") else Layout.BLOCK


def decode(data: bytes, *, name: str) -> Cassette:
    """Read a cassette. `name` stands in messages, usually the path.

    Raises `CassetteError`, naming `name` and the place, for what is no cassette, is damaged or cut short, or is of a
    newer format. Entries that cannot be used are left out and stand in `problems`, with their index in the file.
    """
    if not data or data.isspace():
        return Cassette(problems=(Problem(index=None, message="the file is empty"),))
    if what := foreign_bytes(data):
        raise CassetteError(f"{name}: this is {what}")
    with _no_collection():
        return _decode(data, name)


def _decode(data: bytes, name: str) -> Cassette:
    problems: list[Problem] = []
    document = document_of(_plain(data, name, problems), name=name)
    interactions = _interactions(document, name, problems)
    if document.others:
        others = ", ".join(map(repr, document.others))
        problems.append(Problem(index=None, message=f"the top-level keys {others} are not part of the format"))
    return Cassette(
        interactions=tuple(interactions),
        metadata=metadata_of(document.metadata, name=name),
        problems=tuple(problems),
    )


def encode(cassette: Cassette, layout: Layout) -> bytes:
    """Write a cassette. Raises `UsageError` where `Layout.JSON` cannot hold what another tool put into it."""
    return b"".join(encode_pieces(cassette.metadata, cassette.interactions, layout))


def encode_pieces(metadata: Metadata | None, interactions: Iterable[Interaction], layout: Layout) -> Iterator[bytes]:
    """The same, interaction by interaction."""
    interactions = iter(interactions)
    first = next(interactions, None)
    every = () if first is None else chain((first,), interactions)
    if layout is Layout.FLOW:
        head = encode_preamble(metadata)
        yield head if first is not None else head.removesuffix(b"\n") + b" []\n"
        yield from map(encode_line, every)
    elif layout is Layout.JSON:
        yield from json_pieces(_head(metadata), map(to_plain, every))
    else:
        from replayer.cassette.block import block_items, block_text

        yield block_text(_head(metadata)).encode()
        yield b"interactions: []\n" if first is None else b"interactions:\n"
        yield from (line.encode() for line in block_items(map(to_plain, every)))


def encode_line(interaction: Interaction) -> bytes:
    """One line of a flow file, with its newline."""
    return flow_line(to_plain(interaction))


def decode_lines(
    lines: Iterable[bytes], *, name: str
) -> tuple[Metadata | None, Iterator[tuple[int, Interaction | None, list[Problem]]]]:
    """A flow file by its whole lines: index, interaction (None where it cannot be used), problems; one at a time."""
    head, entries = read_lines(lines, name=name)
    document = document_of({**head, "interactions": []}, name=name)
    return metadata_of(document.metadata, name=name), _decoded(entries)


def decode_entry(line: bytes, *, name: str) -> Interaction:
    """One line of a flow file that holds an interaction, alone. Raises `CassetteError`."""
    ((_, interaction, problems),) = _decoded([read_entry(line.removesuffix(b"\n"), name=name)])
    if interaction is None:
        raise CassetteError(f"{name}: {problems[0].message}")
    return interaction


def _decoded(entries: Iterable[Any]) -> Iterator[tuple[int, Interaction | None, list[Problem]]]:
    for index, entry in enumerate(entries):
        try:
            interaction, notes = _interaction(entry)
        except (Irregular, BadExtras) as error:
            yield index, None, [Problem(index=index, message=f"unsupported: {error}; it was left out", lost=True)]
            continue
        yield index, interaction, [Problem(index=index, message=note) for note in notes]


def encode_preamble(metadata: Metadata | None) -> bytes:
    """What stands in a flow file before its first line."""
    return preamble(_head(metadata))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector still: loading makes many objects and no cycles, and it would go through all of
    them again and again (measured: four fifths of the time of a large flow file)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _head(metadata: Metadata | None) -> dict[str, Any]:
    return {"version": 1} if metadata is None else {"version": 1, "metadata": metadata_to_plain(metadata)}


def _plain(data: bytes, name: str, problems: list[Problem]) -> Any:
    layout = layout_of(data)
    if layout is Layout.FLOW:
        flow = read_flow(data, name=name)
        if flow.torn:
            message = "its last line has no newline: it was torn while it was written, and was dropped"
            problems.append(Problem(index=len(flow.entries), message=message))
        return {**flow.head, "interactions": flow.entries}
    if layout is Layout.JSON:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            if name.endswith(".json"):
                return _lenient_json(data, name, error)
            # A block file may begin with a bracket too: YAML decides.
    return load_yaml(data, name=name)


def _lenient_json(data: bytes, name: str, strict: orjson.JSONDecodeError) -> Any:
    """JSON as Python's own module takes it, and vcrpy with it: `NaN`, lone surrogates."""
    try:
        return _without_surrogates(json.loads(data))
    except (ValueError, RecursionError):
        place = f"line {strict.lineno}, column {strict.colno}"
        raise CassetteError(
            f"{name}, {place}: not JSON: {strict.msg}; the file may be cut short: restore it, or record it again"
        ) from None


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list) else value


def _interactions(document: Document, name: str, problems: list[Problem]) -> list[Interaction]:
    interactions: list[Interaction] = []
    last = len(document.entries) - 1
    for index, entry in enumerate(document.entries):
        try:
            interaction, notes = _interaction(entry)
        except (Irregular, BadExtras) as error:
            if index == last and _was_cut(entry):
                raise CassetteError(
                    f"{name}: interaction {index}, the last one, is not whole ({error}): the file was cut short; "
                    f"restore it, or record it again"
                ) from None
            problems.append(Problem(index=index, message=f"unsupported: {error}; it was left out", lost=True))
            continue
        interactions.append(interaction)
        problems.extend([Problem(index=index, message=note) for note in notes])
    return interactions


def _interaction(entry: Any) -> tuple[Interaction, list[str]]:
    try:
        return from_plain(entry)
    except Irregular:
        regular, notes = mended(entry)
        interaction, more = from_plain(regular)
        return interaction, notes + more


def _was_cut(entry: Any) -> bool:
    """Whether the last entry of a file ends before it is one: block YAML cut at a line often still parses."""
    if not isinstance(entry, dict) or entry.keys() - {"request", "response"}:
        return False
    response = entry.get("response")
    if not isinstance(response, Mapping):
        return isinstance(entry.get("request"), Mapping)
    return "body" not in response or "status" not in response
