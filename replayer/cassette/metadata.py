"""A cassette's word about itself: the top-level `metadata`, where vcrpy keeps what others put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replayer.cassette.migrate import FORMAT
from replayer.cassette.model import Metadata, Origin
from replayer.errors import CassetteError

__all__ = ["metadata_of", "metadata_to_plain"]

_KEYS = frozenset({"format", "origin", "recorded_at", "tool", "upstreams"})


def metadata_of(plain: Mapping[str, Any] | None, *, name: str) -> Metadata | None:
    """Read it. Other tools' metadata alone is kept, with the only origin that it can have: imported."""
    if not plain:
        return None
    others = {key: value for key, value in plain.items() if key != "replayer"}
    if "replayer" not in plain:
        return Metadata(origin=Origin.IMPORTED, extra=others)
    ours = plain["replayer"]
    if not isinstance(ours, dict):
        raise CassetteError(f"{name}: metadata.replayer is not a mapping")
    try:
        origin = Origin(ours["origin"])
    except (KeyError, ValueError):
        raise CassetteError(
            f"{name}: metadata.replayer.origin is {ours.get('origin')!r}, not one of {', '.join(Origin)}"
        ) from None
    upstreams = ours.get("upstreams") or {}
    if not isinstance(upstreams, dict):
        raise CassetteError(f"{name}: metadata.replayer.upstreams is not a mapping of names to URLs")
    if unknown := {key: value for key, value in ours.items() if key not in _KEYS}:
        others["replayer"] = unknown
    return Metadata(
        origin=origin,
        recorded_at=_text(ours.get("recorded_at")),
        tool=_text(ours.get("tool")),
        upstreams={str(key): str(value) for key, value in upstreams.items()},
        extra=others,
    )


def metadata_to_plain(metadata: Metadata) -> dict[str, Any]:
    """Write it, with today's format."""
    ours: dict[str, Any] = {"format": FORMAT, "origin": str(metadata.origin)}
    if metadata.recorded_at is not None:
        ours["recorded_at"] = metadata.recorded_at
    if metadata.tool is not None:
        ours["tool"] = metadata.tool
    if metadata.upstreams:
        ours["upstreams"] = dict(metadata.upstreams)
    ours.update(metadata.extra.get("replayer", {}))
    return {"replayer": ours, **{key: value for key, value in metadata.extra.items() if key != "replayer"}}


def _text(value: Any) -> str | None:
    """A date that nobody quoted is a date to YAML."""
    return None if value is None else str(value)
