"""Errors that end a command, and the status it ends with.

ReplayerError
├── UsageError          2  a wrong option, a port in use, an unknown name
│   └── ConfigError     2  replayer.toml says something that cannot be
├── UnreadableError     4  an input could not be read: the file, the place in it, what to do
│   ├── CassetteError   4  … a cassette
│   └── ContractError   4  … a schema, an OpenAPI or an AsyncAPI document
├── WriteError          4  an output could not be written: the disk is full, or says no
├── LockedError         2  another process writes that cassette
├── RecorderError       2  the recorder process cannot start, or was lost
└── FaultError          2  a fault that nobody can inject as it is written

A message says what happened, where, and what to do next; it never holds a secret. A violation, a miss and a fault
that did not apply are values, not errors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum

__all__ = [
    "CassetteError",
    "ConfigError",
    "ContractError",
    "ExitStatus",
    "FaultError",
    "LockedError",
    "RecorderError",
    "ReplayerError",
    "UnreadableError",
    "UsageError",
    "WriteError",
    "closest",
]


class ExitStatus(IntEnum):
    """What a command's end says to CI."""

    HELD = 0
    DID_NOT_HOLD = 1
    WRONG_USE = 2
    NOTHING_CHECKED = 3
    UNREADABLE = 4


class ReplayerError(Exception):
    """Every error of ours: its text is the whole message for the user."""

    exit_status = ExitStatus.WRONG_USE


class UsageError(ReplayerError):
    """A wrong option, a port in use, an unknown name."""


class ConfigError(UsageError):
    """replayer.toml, or an option in its place, says something that cannot be."""


class UnreadableError(ReplayerError):
    """An input could not be read."""

    exit_status = ExitStatus.UNREADABLE


class CassetteError(UnreadableError):
    """A cassette could not be read: never taken for absent, never overwritten."""


class ContractError(UnreadableError):
    """A schema or a contract document is itself wrong."""


class WriteError(ReplayerError):
    """An output could not be written; what was there before still is."""

    exit_status = ExitStatus.UNREADABLE


class LockedError(ReplayerError):
    """Another process writes that cassette."""


class RecorderError(ReplayerError):
    """The recorder process cannot start, or was lost."""


class FaultError(ReplayerError):
    """A fault that nobody can inject as it is written."""


def closest(name: str, known: Iterable[str]) -> str:
    """Say which of the `known` names was probably meant: `"; did you mean 'x'?"`, or `""` where nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
