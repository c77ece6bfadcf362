"""Where the bundled cassette directories and schemas are: inside an installed wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cassettes_folder", "schemas_folder"]

_PACKAGE = Path(__file__).parent


def cassettes_folder() -> Path:
    """The folder of the bundled service directories (`casola`, …)."""
    return _folder("cassettes")


def schemas_folder() -> Path:
    """The folder of the bundled contracts."""
    return _folder("schemas")


def _folder(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
