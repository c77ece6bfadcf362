"""From every layout that a cassette ever had to the regular one. Plain values in, plain values out.

Two kinds of steps. The format has an integer, `metadata.replayer.format`, and one function a step between two of
them; today there is only 1. And files that others wrote have irregularities (corpus, and vcrpy's history), which are
mended entry by entry. A mend is reported only where something was lost or had to be guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from replayer.cassette.foreign import foreign_document
from replayer.cassette.mend import mended_request, mended_response
from replayer.cassette.plain import Irregular
from replayer.errors import CassetteError

__all__ = ["FORMAT", "Document", "document_of", "mended"]

FORMAT = 1
"""The format that this version writes, and the newest that it reads."""

_STEPS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Format n to the function that turns a whole document of format n into one of format n + 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's top level: its metadata as it stands, its entries, the names of other keys."""

    metadata: Mapping[str, Any] | None
    entries: list[Any]
    others: tuple[str, ...]


def document_of(plain: Any, *, name: str) -> Document:
    """The top level of a file, in today's format. Raises `CassetteError` for what is not a cassette."""
    if isinstance(plain, list):
        if plain and not any(isinstance(entry, dict) and "request" in entry for entry in plain):
            raise CassetteError(f"{name}: this is a list without requests, not a cassette")
        return Document(metadata=None, entries=plain, others=())
    if not isinstance(plain, dict) or "interactions" not in plain:
        raise CassetteError(f"{name}: this is {foreign_document(plain)}")
    if plain.get("version", 1) not in (1, "1", None):
        raise CassetteError(f"{name}: version {plain['version']!r} is not vcrpy's (1); record it again")
    for step in range(_format(plain, name), FORMAT):
        plain = _STEPS[step](plain)
    metadata, entries = plain.get("metadata"), plain["interactions"]
    if metadata is not None and not isinstance(metadata, dict):
        raise CassetteError(f"{name}: `metadata` is not a mapping")
    if entries is not None and not isinstance(entries, list):
        raise CassetteError(f"{name}: `interactions` is not a list")
    others = tuple(str(key) for key in plain if key not in ("version", "metadata", "interactions"))
    return Document(metadata=metadata, entries=entries or [], others=others)


def mended(entry: Any) -> tuple[dict[str, Any], list[str]]:
    """A regular entry for one that is not, and what was lost or guessed. Raises `Irregular` where nothing helps."""
    if not isinstance(entry, dict):
        raise Irregular("it is not a mapping")
    if not isinstance(entry.get("request"), dict):
        kind = f" (a private format, of kind {entry['kind']!r})" if "kind" in entry else ""
        raise Irregular(f"it has no request{kind}")
    if not isinstance(entry.get("response"), dict):
        raise Irregular("it has no response")
    notes: list[str] = []
    request = mended_request(entry["request"], notes)
    return {**entry, "request": request, "response": mended_response(entry["response"], notes)}, notes


def _format(plain: dict[str, Any], name: str) -> int:
    metadata = plain.get("metadata")
    ours = metadata.get("replayer") if isinstance(metadata, dict) else None
    number = ours.get("format", FORMAT) if isinstance(ours, dict) else FORMAT
    if type(number) is not int or number < 1:
        raise CassetteError(f"{name}: metadata.replayer.format is {number!r}, not a whole number from 1")
    if number > FORMAT:
        raise CassetteError(
            f"{name}: its format {number} is newer than this version knows ({FORMAT}): "
            f"upgrade with `pip install -U replayer-proxy`"
        )
    return number
