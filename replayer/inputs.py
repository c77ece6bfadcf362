"""What the paths of a command mean: a cassette, a directory that is a service, or the name of a bundled one.

The rule: a cassette that cannot be read is an error, never an absence. Of a directory, every file that looks like a
cassette is one; other YAML and JSON files in it are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from replayer.bundled import cassettes_folder
from replayer.cassette.model import Cassette
from replayer.cassette.store import read
from replayer.config import Config, bundled_directory, load_directory
from replayer.errors import UnreadableError, UsageError

__all__ = ["Loaded", "NamedCassette", "cassette_files", "fingerprint", "load"]

NamedCassette = tuple[str, Cassette]
"""A cassette and the name that it goes by: its path below the folder that was given."""

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_CONFIGURATION = frozenset({"replayer.toml", "pyproject.toml"})
_SNIFFED = 65_536
_MARKS = (b"interactions", b"# replayer flow")
_CONTRACT_MARKS = (b"openapi", b"asyncapi", b"$schema", b"$ref", b"x-binds", b"properties")
"""Contracts live beside cassettes, and speak of requests too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a run plays, and how."""

    config: Config
    cassettes: tuple[NamedCassette, ...]
    folder: Path = Path()
    """Of the configuration: what it names is relative to it."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Where each cassette was read."""

    def holds(self, file: Path) -> bool:
        """Whether an interaction was read from that file."""
        name = self.name_of(file)
        return any(known == name and bool(cassette.interactions) for known, cassette in self.cassettes)

    def without(self, file: Path) -> Loaded:
        """The same without what was read from that file."""
        name = self.name_of(file)
        return replace(self, cassettes=tuple(found for found in self.cassettes if found[0] != name))

    def name_of(self, file: Path) -> str:
        """The name that a file goes by: that of the loaded cassette, or one that none has yet."""
        for name, known in self.files.items():
            if known.resolve() == file.resolve():
                return name
        return file.as_posix() if file.name in self.files else file.name


def load(paths: Sequence[str]) -> Loaded:
    """Everything that `paths` name. Raises UsageError, ConfigError and CassetteError."""
    configs: list[tuple[str, Config]] = []
    files: dict[str, Path] = {}
    for given in paths:
        path = _existing(given)
        if path.is_dir():
            config = load_directory(path)
            if config is not None:
                configs.append((given, config))
        for name, file in cassette_files(path):
            if files.get(name, file).resolve() != file.resolve():
                name = file.as_posix()
            files[name] = file
    if len(configs) > 1:
        raise UsageError(f"{configs[0][0]} and {configs[1][0]} both have a configuration: one gateway plays one")
    return Loaded(
        config=configs[0][1] if configs else Config(),
        folder=_existing(configs[0][0]) if configs else Path(),
        cassettes=tuple((name, read(file)) for name, file in files.items()),
        files=files,
    )


def cassette_files(path: Path) -> Iterator[tuple[str, Path]]:
    """The cassettes that a path holds, by name and sorted; a file is its own."""
    if not path.is_dir():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        below = file.relative_to(path)
        if file.suffix.lower() not in _SUFFIXES or not file.is_file():
            continue
        if any(part.startswith(".") or part == "node_modules" for part in below.parts):
            continue
        if _looks_like_one(file):
            yield below.as_posix(), file


def _existing(given: str) -> Path:
    path = Path(given)
    if path.exists():
        return path
    if path.parent != Path() or path.suffix.lower() in _SUFFIXES:
        raise UnreadableError(
            f"{given}: there is no such file or directory (bundled directories go by their name: "
            f"{', '.join(sorted(folder.name for folder in cassettes_folder().iterdir()))})"
        )
    return bundled_directory(given)


def _looks_like_one(file: Path) -> bool:
    """Whether a file begins like a cassette, even like a broken one. An unreadable file is `read`'s to explain."""
    try:
        with file.open("rb") as stream:
            start = stream.read(_SNIFFED)
    except OSError:
        return True
    if any(mark in start for mark in _MARKS):
        return True
    return b"request" in start and not any(mark in start for mark in _CONTRACT_MARKS)


def fingerprint(paths: Sequence[str]) -> frozenset[tuple[str, int, int]]:
    """What tells whether anything that `paths` name has changed: each file's name, time and size."""
    found: set[tuple[str, int, int]] = set()
    for given in paths:
        path = Path(given) if Path(given).exists() else cassettes_folder() / given
        for file in path.rglob("*") if path.is_dir() else (path,):
            if file.suffix.lower() not in _SUFFIXES and file.name not in _CONFIGURATION:
                continue
            with suppress(OSError):
                state = file.stat()
                found.add((str(file), state.st_mtime_ns, state.st_size))
    return frozenset(found)
