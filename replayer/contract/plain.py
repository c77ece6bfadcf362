"""A user's contract document read from its file: JSON, or YAML that says nothing that JSON could not.

Keys become texts (`200:` is a status), dates stay as they are written, aliases may not multiply.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from replayer.cassette.loader import DEPTH_LIMIT, is_too_deep
from replayer.errors import ContractError

__all__ = ["read_plain"]

_LARGEST = 64 * 1024 * 1024
"""Bytes of one document."""

_MOST_VALUES = 2_000_000
"""Of one document, aliases counted as often as they are used."""


def read_plain(path: Path) -> Any:
    """The JSON value of a document. Raises ContractError, with the place, for one that cannot be read."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ContractError(f"{path}: larger than {_LARGEST >> 20} MiB; split the document")
        data = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror or error}") from error
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            if path.suffix == ".json":
                raise ContractError(f"{path}: no JSON: {error}") from error
    return _read_yaml(path, data)


def _read_yaml(path: Path, data: bytes) -> Any:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if is_too_deep(data):
            raise ContractError(f"{path}: nested deeper than {DEPTH_LIMIT} levels: no document")
        return _Plain(path).value(yaml.load(data, Loader=loader))
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    except (RecursionError, ValueError) as error:
        raise ContractError(f"{path}: no document: {error}") from error


class _Plain:
    """YAML's values as JSON's, counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def value(self, value: Any) -> Any:
        self._count += 1
        if self._count > _MOST_VALUES:
            raise ContractError(f"{self._path}: its aliases multiply to over {_MOST_VALUES:,} values")
        if isinstance(value, dict):
            return {_key(key): self.value(below) for key, below in value.items()}
        if isinstance(value, list):
            return [self.value(below) for below in value]
        return value if value is None or isinstance(value, str | int | float) else str(value)


def _key(key: object) -> str:
    if isinstance(key, bool) or key is None:
        return {True: "true", False: "false", None: "null"}[key]
    return str(key)
