"""Cassettes written anew as a whole: without their secrets, or in another layout.

The rule: nothing is lost in silence. A file with an entry that we cannot keep is refused; in a conversion each
interaction is read back and compared before the new file takes the old one's place. Of a flow file no more than one
interaction is in memory; any other layout is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from replayer.cassette import store
from replayer.cassette.codec import Layout, decode, encode, layout_of
from replayer.cassette.lines import begins_as_flow, flow_lines
from replayer.cassette.model import Cassette, Interaction, Metadata, Problem
from replayer.errors import CassetteError
from replayer.redact.interactions import redacted, redacted_metadata
from replayer.redact.redactor import Redactor

__all__ = ["convert_file", "redact_file"]


def redact_file(source: Path, target: Path, redactor: Redactor) -> tuple[int, int]:
    """Write `source` without its secrets to `target`; how many interactions changed, and how many there are.

    Where nothing changes, a file that would be replaced by itself is not touched. Raises `CassetteError`, `WriteError`
    and `LockedError`.
    """
    old = _Source(source)
    metadata = redacted_metadata(old.metadata, redactor)
    count = 0
    if target == source and metadata == old.metadata:
        for count, one in enumerate(old, 1):  # noqa: B007 (how many there were)
            if redacted(one, redactor) != one:
                break
        else:
            return 0, count
    changed = of = 0

    def clean() -> Iterator[Interaction]:
        nonlocal changed, of
        for one in old:
            new = redacted(one, redactor)
            changed, of = changed + (new != one), of + 1
            yield new

    store.write_each(target, metadata, clean(), layout=old.layout)
    return changed, of


def convert_file(source: Path, target: Path, layout: Layout) -> int:
    """Write `source` to `target` in that layout; how many interactions there are. Raises as `redact_file`."""
    old = _Source(source)
    _same(source, Cassette(metadata=old.metadata), layout)
    count = 0

    def checked() -> Iterator[Interaction]:
        nonlocal count
        for one in old:
            _same(source, Cassette(interactions=(one,), metadata=old.metadata), layout)
            count += 1
            yield one

    store.write_each(target, old.metadata, checked(), layout=layout)
    return count


def _same(source: Path, cassette: Cassette, layout: Layout) -> None:
    """Whether a layout gives back what it is given."""
    if decode(encode(cassette, layout), name=str(source)) != cassette:
        raise CassetteError(
            f"{source}: the layout {layout} would not give back what is in it; nothing was written, please report it"
        )


class _Source:
    """A file, as often as it is iterated. Raises `CassetteError` where it cannot be read, or would lose something."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole: Cassette | None = None
        self.metadata: Metadata | None
        if _is_flow(path):
            self.layout = Layout.FLOW
            with flow_lines(path) as lines:
                self.metadata = lines.metadata
            return
        self._whole = store.read(path)
        _refuse_loss(path, self._whole.problems)
        self.metadata = self._whole.metadata
        with path.open("rb") as file:
            self.layout = layout_of(file.read(4096))

    def __iter__(self) -> Iterator[Interaction]:
        if self._whole is not None:
            yield from self._whole.interactions
            return
        with flow_lines(self._path) as lines:
            for one in lines:
                _refuse_loss(self._path, lines.problems)
                yield one
            _refuse_loss(self._path, lines.problems)


def _is_flow(path: Path) -> bool:
    try:
        return begins_as_flow(path)
    except OSError:
        return False  # whoever reads it says why it cannot be


def _refuse_loss(path: Path, problems: list[Problem] | tuple[Problem, ...]) -> None:
    for problem in problems:
        if problem.lost:
            raise CassetteError(
                f"{path}: its entry {problem.index} is not one that we could keep ({problem.message}), and writing "
                f"the file anew would lose it; nothing was changed"
            )
