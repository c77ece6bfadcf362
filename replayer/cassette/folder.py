"""The writers of one recording: of one file, or of a folder in which each interaction has its file by a rule.

The rule: as for one file, nobody else writes a folder while a recorder does. A file is opened when its first
interaction comes; those that get none are untouched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from replayer.cassette import atomic
from replayer.cassette.appender import Again, Appender, AppendMode
from replayer.cassette.codec import Layout
from replayer.cassette.long import LongInteraction
from replayer.cassette.model import Interaction, Metadata, Problem
from replayer.cassette.store import iterate
from replayer.errors import CassetteError, WriteError

__all__ = ["FileWriter", "FolderWriter"]

NameOf = Callable[[Interaction, str], str]
Late = Callable[[], bool]

LOCK = "replayer"
"""The name by which a folder is locked, and its spool called: `replayer.spool`."""


class FileWriter:
    """Everything goes to one file."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._new = 0
        self.left_in_flow: tuple[str, ...] = ()
        """Once closed: what there was no time to lay out."""

    @classmethod
    def open(cls, path: Path, *, metadata: Metadata, mode: AppendMode, again: Again | None = None) -> FileWriter:
        """As `Appender.open`."""
        return cls(Appender.open(path, metadata=metadata, mode=mode, again=again))

    @property
    def latest(self) -> float | None:
        """The latest `at` of what stays."""
        return self._appender.latest

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._appender.problems

    def append(self, interaction: Interaction | LongInteraction, session: str = "") -> None:
        """Write one interaction, at once. Raises `WriteError`."""
        self._appender.append(interaction)
        self._new += 1

    def close(self, layout: Layout | None, late: Late | None = None) -> tuple[tuple[str, int], ...]:
        """The files that got something, and how many interactions each. `late` as in `Appender.close`."""
        self.left_in_flow = () if self._appender.close(layout=layout, late=late) else (str(self._appender.path),)
        return ((str(self._appender.path), self._new),) if self._new else ()

    def abandon(self) -> None:
        """Let go of the file as it stands."""
        self._appender.abandon()


class FolderWriter:
    """Each interaction goes to the file that `name_of` it and its session says, below `folder`."""

    def __init__(
        self, folder: Path, name_of: NameOf, metadata: Metadata, mode: AppendMode, again: Again | None = None
    ) -> None:
        self.folder = folder
        self._name_of = name_of
        self._metadata = metadata
        self._mode = mode
        self._again = again
        self._appenders: dict[str, Appender] = {}
        self._new: dict[str, int] = {}
        self.left_in_flow: tuple[str, ...] = ()
        """Once closed: what there was no time to lay out."""
        with atomic.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._held = atomic.lock(Path(os.path.realpath(folder)) / LOCK)
        self.problems: tuple[Problem, ...] = ()

    @property
    def latest(self) -> float | None:
        """The latest `at` of what is in the folder and stays; reads it all, file after file."""
        if self._mode is AppendMode.REWRITE:
            return None
        return max((one.response.at for one in self.held() if one.response.at is not None), default=None)

    def held(self) -> Iterator[Interaction]:
        """What is in the folder's files. Raises `CassetteError`."""
        for path in sorted(self.folder.rglob("*.yaml")):
            with path.open("rb") as file:
                head = file.read(65536)
            if b"interactions" in head:
                yield from iterate(path)

    def append(self, interaction: Interaction | LongInteraction, session: str = "") -> None:
        """Write one interaction, at once. Raises `WriteError`, and `LockedError` where another writes that file."""
        outline = interaction.outline if isinstance(interaction, LongInteraction) else interaction
        name = self._name_of(outline, session)
        appender = self._appenders.get(name)
        if appender is None:
            appender = self._open(name)
        appender.append(interaction)
        self._new[name] = self._new.get(name, 0) + 1

    def close(self, layout: Layout | None, late: Late | None = None) -> tuple[tuple[str, int], ...]:
        """The files that got something, and how many interactions each. `late` as in `Appender.close`."""
        closed = {appender: appender.close(layout=layout, late=late) for appender in self._appenders.values()}
        self.left_in_flow = tuple(str(appender.path) for appender, laid_out in closed.items() if not laid_out)
        self.abandon()
        return tuple((str(self.folder / name), count) for name, count in self._new.items())

    def abandon(self) -> None:
        """Let go of the folder as it stands."""
        for appender in self._appenders.values():
            appender.abandon()
        if self._held.is_locked:
            atomic.release(self._held)

    def _open(self, name: str) -> Appender:
        try:
            appender = Appender.open(self.folder / name, metadata=self._metadata, mode=self._mode, again=self._again)
        except CassetteError as error:
            # At this moment the run cannot be refused any more: what comes for this file is lost, and that is said.
            raise WriteError(str(error)) from None
        self._appenders[name] = appender
        return appender
