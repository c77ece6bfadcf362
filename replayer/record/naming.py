"""Which file of a folder an interaction goes to. Pure.

The rule: names are stable (the same exchange goes to the same file in every run), readable, and safe on every system;
what had to be changed to be safe, or was too long, carries a short hash so that two never share one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from hashlib import blake2b
from urllib.parse import unquote, urlsplit

from replayer.cassette.model import Interaction

__all__ = ["Split", "file_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._@+=,()-]+")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?\Z")
_LONGEST = 80
_DEEPEST = 8


class Split(StrEnum):
    """By what a run is split into files."""

    HOST = "host"
    PATH = "path"
    SESSION = "session"
    """What `Replayer-Session` named."""


def file_name(split: Split, interaction: Interaction, session: str, suffix: str = ".yaml") -> str:
    """The path below the folder: `api.openai.com.yaml`, `api.openai.com/v1/chat/completions.yaml`, `my-test.yaml`."""
    if split is Split.SESSION:
        return _safe(session or "default") + suffix
    parts = urlsplit(interaction.request.uri)
    host = _safe(parts.netloc.rpartition("@")[2].lower().replace(":", "-") or "no-host")
    if split is Split.HOST:
        return host + suffix
    segments = [unquote(segment) for segment in parts.path.split("/") if segment] or ["index"]
    if len(segments) > _DEEPEST:
        segments = [*segments[: _DEEPEST - 1], "/".join(segments[_DEEPEST - 1 :])]
    *folders, last = [_safe(segment) for segment in segments]
    return "/".join([host, *folders, last + suffix])


def _safe(text: str) -> str:
    name = _UNSAFE.sub("-", text).strip("-") or "x"
    if name.startswith("."):
        name = "-" + name
    if name != text or len(name) > _LONGEST or _RESERVED.match(name):
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
        name = f"{name[:_LONGEST]}-{digest}"
    return name
