"""The options by which a user says what is secret, the same for every command that redacts or scans."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from replayer.config import REDACT_KINDS, RedactConfig, load_above
from replayer.redact.configured import redactor_of, with_options
from replayer.redact.redactor import Redactor

__all__ = ["config_of", "redact_options", "redactor_for"]


def redact_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--redact` and `--keep`."""
    kinds = "|".join(REDACT_KINDS)
    keep = click.option("--keep", multiple=True, metavar="KIND:NAME", help="A default that is no secret here; repeat.")
    more = click.option(
        "--redact", "redact", multiple=True, metavar="KIND:NAME", help=f"A secret beside the defaults: {kinds}; repeat."
    )
    return more(keep(command))


def config_of(file: Path, redact: tuple[str, ...], keep: tuple[str, ...]) -> RedactConfig:
    """What is secret for `file`: `[redact]` of the nearest configuration at or above it, and the options."""
    return with_options(load_above(file).redact, redact, keep)


def redactor_for(file: Path, redact: tuple[str, ...], keep: tuple[str, ...]) -> Redactor:
    """The redactor of `file`, with the secrets of this environment. Raises ConfigError."""
    return redactor_of(config_of(file, redact, keep), os.environ)
