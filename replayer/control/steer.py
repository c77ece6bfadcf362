"""What control changes: sessions, what was played, what is loaded, and whether the run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from replayer.control.state import State

__all__ = ["Steer", "Told", "Unusable"]


class Unusable(Exception):
    """What was asked cannot be understood; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One request for a change."""

    name: str | None
    """What stands behind the route: `/sessions/NAME`."""
    query: Mapping[str, list[str]]
    body: bytes
    session: str | None
    """Whose base URL was asked."""


class Steer:
    """Carries changes out."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def reload(self, told: Told) -> Mapping[str, Any]:
        """`POST /cassettes`."""
        return {"reloaded": await self._state.reload()}

    async def reset(self, told: Told) -> Mapping[str, Any]:
        """`POST /reset`, of one session with `?session=` or under its base URL."""
        return {"reset": self._state.reset(told.query.get("session", [told.session])[-1])}

    async def create(self, told: Told) -> Mapping[str, Any]:
        """`POST /sessions` with `{"name": …, "cassettes": […]}`."""
        body = _object(told.body)
        name, cassettes = body.get("name"), body.get("cassettes")
        unknown = sorted(set(body) - {"name", "cassettes"})
        if unknown:
            raise Unusable(f"no key {unknown[0]!r} (there are: name, cassettes)")
        if not isinstance(name, str) or not name:
            raise Unusable('a session has a name: {"name": "my-test", "cassettes": ["a.yaml"]}')
        if cassettes is not None and not (
            isinstance(cassettes, list) and cassettes and all(isinstance(one, str) for one in cassettes)
        ):
            raise Unusable("cassettes is a list of names, or left out for all that are loaded")
        return {"session": self._state.create(name, cassettes)}

    async def end(self, told: Told) -> Mapping[str, Any]:
        """`DELETE /sessions/NAME`."""
        if told.name is None:
            raise Unusable("say which session: DELETE /__replayer/sessions/NAME")
        self._state.end(told.name)
        return {"ended": told.name}

    async def shut_down(self, told: Told) -> Mapping[str, Any]:
        """`POST /shutdown`."""
        self._state.shut_down()
        return {"status": "stopping"}


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unusable(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unusable("the body is a JSON object")
    return value
