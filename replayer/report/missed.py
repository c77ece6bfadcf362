"""A miss in one line: what was asked, the interaction that came nearest, and the first place in which it differs.

It is made of what the journal keeps, which holds no secret.
"""

from __future__ import annotations

from typing import Any

from replayer.journal import Entry
from replayer.report.words import one_line

__all__ = ["asked", "differences", "told"]


def asked(entry: Entry) -> str:
    """What was asked, the same in every run: `POST /v1/models`, `WebSocket /ws`."""
    return one_line(f"{'WebSocket' if entry.kind == 'websocket' else entry.method} {entry.target}")


def told(entry: Entry) -> str:
    """Why nothing answered it, or where a connection departed from its recording."""
    nearest: list[dict[str, Any]] = entry.details.get("nearest", [])
    if "awaited" in entry.details:
        return one_line(f"{entry.interaction}: {entry.details['awaited']}")
    if "omitted" in entry.details:
        return f"{entry.interaction} matches, but {entry.details['omitted']}"
    if not nearest:
        return "no cassette is loaded that could answer it"
    near = nearest[0]
    if near["used_up"]:
        return f"{near['interaction']} matches and was used up by journal entry {near['used_by_entry']}"
    if not near["differed"]:
        return f"{near['interaction']} matches, but was not recorded from the upstream that was named"
    more = len(near["differed"]) - 1
    first = _difference(near["differed"][0])
    return one_line(f"nearest is {near['interaction']}; {first}{f' and {more} more' if more else ''}")


def differences(entry: Entry) -> tuple[str, ...]:
    """Every near miss with all that is known of it, a line each."""
    lines: list[str] = []
    for near in entry.details.get("nearest", []):
        name = near["interaction"] if near.get("frame") is None else f"{near['interaction']} frame {near['frame']}"
        used = f", used by entry {near['used_by_entry']}" if near.get("used_by_entry") else ""
        matched = f" (matched: {', '.join(near['matched'])}{used})" if "matched" in near else ""
        lines.append(f"{name}{matched}{': used up' if near.get('used_up') else ''}")
        lines += [f"    {one_line(_difference(found))}" for found in near["differed"]]
    return tuple(lines)


def _difference(found: dict[str, Any]) -> str:
    place = f"{found['matcher']} {found['pointer']}".rstrip()
    return f"{place}: recorded {found['recorded']}, asked {found['asked']}"
