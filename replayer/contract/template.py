"""Path templates learned from paths: a segment that is an id becomes a variable, `/jobs/{job_id}`.

Which of the recorded segments are ids is seen from the segment itself, so that a single request is enough, and the
same path gives the same template in every run.
"""

from __future__ import annotations

import re

__all__ = ["template_of"]

_ID = re.compile(
    r"\d+"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|[0-9a-fA-F]{16,}"
    r"|[A-Za-z]{1,16}[_-](?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{10,}"
    r"|(?=[^0-9]*\d)(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9_-]{20,}"
    r"|.*\[REDACTED\].*"
)
_VERSION = re.compile(r"v\d+(?:beta\d*|alpha\d*)?")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9]+")


def template_of(path: str) -> str:
    """The template of a path. Variables are named after the segment before them, and numbered where they repeat."""
    segments: list[str] = []
    names: set[str] = set()
    for segment in path.replace("//", "/").split("/"):
        stem, colon, verb = segment.partition(":")
        if not _ID.fullmatch(stem):
            segments.append(segment.replace("{", "%7B").replace("}", "%7D"))
            continue
        before = next((found for found in reversed(segments) if found and not found.startswith("{")), "")
        name = _variable(before, names)
        names.add(name)
        segments.append(f"{{{name}}}{colon}{verb}")
    return "/".join(segments) or "/"


def _variable(before: str, taken: set[str]) -> str:
    stem = "" if _VERSION.fullmatch(before) else _NOT_IN_NAME.sub("_", before).strip("_")
    name = f"{stem.removesuffix('s')}_id" if stem else "id"
    number = 2
    while name in taken:
        name = f"{name.rstrip('0123456789')}{number}"
        number += 1
    return name
