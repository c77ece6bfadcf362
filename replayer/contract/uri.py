"""A URI taken apart, whoever wrote it: one that is none (`http://[`) has a path and nothing else."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

__all__ = ["parts_of"]


def parts_of(uri: str) -> SplitResult:
    """As `urlsplit`, of untrusted input."""
    try:
        return urlsplit(uri)
    except ValueError:
        return SplitResult("", "", uri.partition("?")[0], "", "")
