"""Control: what `/__replayer/` answers.

The rule: it sees and steers the run through `State`, which the wiring gives; errors are problem details that name the
routes and methods there are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from replayer.cassette.model import Request, Response
from replayer.control.guard import Guard
from replayer.control.state import State
from replayer.control.steer import Steer, Told, Unusable
from replayer.errors import ReplayerError, closest
from replayer.journal import Entry, Outcome
from replayer.problem import problem

__all__ = ["ROUTES", "Control", "State"]

PREFIX = "/__replayer/"
ROUTES = (
    *("cassettes", "health", "interactions", "jobs", "journal", "misses", "ready", "reset", "sessions", "shutdown"),
    *("status", "workers"),
)
"""What there is below the prefix."""
_LIMIT = 1000
_FILTERS = ("session", "outcome", "limit")
_JOB_FILTERS = ("session", "status", "limit")

Show = Callable[[Mapping[str, list[str]], str | None], Mapping[str, Any]]
Do = Callable[[Told], Awaitable[Mapping[str, Any]]]


class _Unknown(Exception):
    """A filter that cannot be; its text says why."""


class Control:
    """Answers control's requests."""

    def __init__(self, state: State, guard: Guard) -> None:
        self._state = state
        self._guard = guard
        self._steer = Steer(state)
        self._shown: dict[str, Show] = {
            "cassettes": self._cassettes,
            "health": self._health,
            "interactions": self._interactions,
            "jobs": self._jobs,
            "journal": self._journal,
            "misses": self._misses,
            "ready": self._health,
            "sessions": self._sessions,
            "status": self._status,
            "workers": self._workers,
        }
        self._done: dict[tuple[str, str], Do] = {
            ("POST", "cassettes"): self._steer.reload,
            ("POST", "reset"): self._steer.reset,
            ("POST", "sessions"): self._steer.create,
            ("DELETE", "sessions"): self._steer.end,
            ("POST", "shutdown"): self._steer.shut_down,
        }

    async def answer(self, request: Request, *, session: str | None) -> Response:
        """The answer to one request; `session` is the one whose base URL was asked."""
        refusal = self._guard.refusal(request)
        if refusal is not None:
            return refusal
        path, _, query = request.uri.partition("?")
        name, _, rest = path.removeprefix(PREFIX).strip("/").partition("/")
        if name not in ROUTES or (rest and (request.method, name) != ("DELETE", "sessions")):
            return self._unknown(path.removeprefix(PREFIX).strip("/"))
        asked = parse_qs(query, keep_blank_values=True)
        method = "GET" if request.method == "HEAD" else request.method
        try:
            if method == "GET" and name in self._shown:
                return _json(self._shown[name](asked, session))
            if (method, name) in self._done:
                told = Told(name=unquote(rest) or None, query=asked, body=request.body or b"", session=session)
                return _json(await self._done[method, name](told))
        except (_Unknown, Unusable) as error:
            return problem("bad-filter", status=400, title="That cannot be", detail=str(error))
        except ReplayerError as error:
            return problem(
                "not-done", status=409, title="That was not done, and nothing has changed", detail=str(error)
            )
        return self._wrong_method(name)

    def _wrong_method(self, name: str) -> Response:
        methods = [*(["GET", "HEAD"] if name in self._shown else []), *(m for m, route in self._done if route == name)]
        return problem(
            "method-not-allowed",
            status=405,
            title="Method not allowed",
            detail=f"{PREFIX}{name} answers {', '.join(methods)}",
            headers=(("allow", ", ".join(methods)),),
        )

    def _unknown(self, name: str) -> Response:
        known = list(ROUTES)
        return problem(
            "unknown-control-route",
            status=404,
            title="No such control route",
            detail=f"there is no {PREFIX}{name}{closest(name, known)}",
            members={"routes": [PREFIX + route for route in known]},
        )

    def _health(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        return {"status": "ok"}

    def _status(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        return self._state.status()

    def _cassettes(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        return {"cassettes": self._state.cassettes()}

    def _sessions(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        return {"sessions": list(self._state.sessions())}

    def _interactions(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        _know(query, ("session", "cassette", "played", "limit"))
        wanted = query.get("played", [""])[-1]
        if wanted not in ("", "true", "false"):
            raise _Unknown(f"played={wanted[:40]}: give true or false")
        found = [
            interaction
            for interaction in self._state.interactions(
                session=query.get("session", [session])[-1], cassette=query.get("cassette", [None])[-1]
            )
            if not wanted or bool(interaction["played"]) == (wanted == "true")
        ]
        return {"total": len(found), "interactions": found[: _limit(query)]}

    def _misses(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        _know(query, ("session", "limit"))
        return self._journal({**query, "outcome": [Outcome.MISS.value]}, session)

    def _workers(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        _know(query, ("session",))
        wanted = query.get("session", [session])[-1]
        found = [worker for worker in self._state.workers() if wanted in (None, worker["session"])]
        return {"total": len(found), "workers": found}

    def _jobs(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        _know(query, _JOB_FILTERS)
        wanted = query.get("session", [session])[-1]
        statuses = {name for value in query.get("status", []) for name in value.split(",") if name}
        found = [
            job
            for job in self._state.jobs()
            if wanted in (None, job["session"]) and (not statuses or job["status"] in statuses)
        ]
        return {"total": len(found), "jobs": found[-_limit(query) :]}

    def _journal(self, query: Mapping[str, list[str]], session: str | None) -> Mapping[str, Any]:
        _know(query, _FILTERS)
        session = query.get("session", [session])[-1]
        outcomes = _outcomes(query.get("outcome", []))
        found = [
            entry
            for entry in self._state.entries()
            if (session is None or entry.session == session) and (not outcomes or entry.outcome in outcomes)
        ]
        return {"total": len(found), "entries": [shown(entry) for entry in found[-_limit(query) :]]}


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as JSON; what it has nothing of is left out."""
    fields = {
        "id": entry.id,
        "at": entry.at,
        "kind": entry.kind,
        "session": entry.session,
        "method": entry.method,
        "target": entry.target,
        "outcome": entry.outcome,
        "status": entry.status,
        "interaction": entry.interaction,
        "faults": entry.faults,
        "not_applied": entry.not_applied,
        "violations": entry.violations,
        "details": dict(entry.details),
        "duration_ms": None if entry.duration_ms is None else round(entry.duration_ms, 3),
        "under_way": entry.duration_ms is None,
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _know(query: Iterable[str], known: Sequence[str]) -> None:
    for name in query:
        if name not in known:
            raise _Unknown(f"no filter {name!r}{closest(name, known)} (there are: {', '.join(known)})")


def _outcomes(values: list[str]) -> frozenset[Outcome]:
    names = [name for value in values for name in value.split(",") if name]
    known = [outcome.value for outcome in Outcome]
    for name in names:
        if name not in known:
            raise _Unknown(f"no outcome {name!r}{closest(name, known)} (there are: {', '.join(known)})")
    return frozenset(Outcome(name) for name in names)


def _limit(query: Mapping[str, list[str]]) -> int:
    value = query.get("limit", [str(_LIMIT)])[-1]
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise _Unknown(f"limit={value[:40]} is no count: give an integer from 1")
    return int(value)


def _json(value: Mapping[str, Any]) -> Response:
    return Response(
        status=200,
        reason="OK",
        headers=(("content-type", "application/json"), ("cache-control", "no-store")),
        body=orjson.dumps(value, default=str),
    )
