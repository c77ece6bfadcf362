"""Cassettes written anew as a whole: without their secrets, or in another layout.

The rule: nothing is lost in silence. A file with an entry that we cannot keep is refused; a conversion is read back
and compared before it takes a file's place.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from replayer.cassette import store
from replayer.cassette.codec import Layout, decode, encode, layout_of
from replayer.cassette.model import Cassette
from replayer.errors import CassetteError
from replayer.redact.interactions import redacted, redacted_metadata
from replayer.redact.redactor import Redactor

__all__ = ["convert_file", "redact_file"]


def redact_file(source: Path, target: Path, redactor: Redactor) -> tuple[int, int]:
    """Write `source` without its secrets to `target`; how many interactions changed, and how many there are.

    Where nothing changes, a file that would be replaced by itself is not touched. Raises `CassetteError`, `WriteError`
    and `LockedError`.
    """
    cassette = _kept(source)
    clean = tuple(redacted(one, redactor) for one in cassette.interactions)
    metadata = redacted_metadata(cassette.metadata, redactor)
    changed = sum(new != old for new, old in zip(clean, cassette.interactions, strict=True))
    if changed or metadata != cassette.metadata or target != source:
        layout = _layout(source)
        store.write(target, replace(cassette, interactions=clean, metadata=metadata, problems=()), layout=layout)
    return changed, len(clean)


def convert_file(source: Path, target: Path, layout: Layout) -> int:
    """Write `source` to `target` in that layout; how many interactions there are. Raises as `redact_file`."""
    cassette = replace(_kept(source), problems=())
    again = decode(encode(cassette, layout), name=str(target))
    if again != cassette:
        raise CassetteError(
            f"{source}: the layout {layout} would not give back what is in it; nothing was written, please report it"
        )
    store.write(target, cassette, layout=layout)
    return len(cassette.interactions)


def _kept(source: Path) -> Cassette:
    cassette = store.read(source)
    for problem in cassette.problems:
        if problem.lost:
            raise CassetteError(
                f"{source}: its entry {problem.index} is not one that we could keep ({problem.message}), and writing "
                f"the file anew would lose it; nothing was changed"
            )
    return cassette


def _layout(source: Path) -> Layout:
    with source.open("rb") as file:
        return layout_of(file.read(4096))
