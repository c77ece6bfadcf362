"""Control: what `/__replayer/` answers.

The rule: it shows, and changes nothing of what is played. It sees the run through `State`, which the wiring gives;
errors are problem details that name the routes there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs

import orjson

from replayer.cassette.model import Request, Response
from replayer.control.guard import Guard
from replayer.errors import closest
from replayer.journal import Entry, Outcome
from replayer.problem import problem

__all__ = ["ROUTES", "Control", "State"]

PREFIX = "/__replayer/"
ROUTES = ("health", "jobs", "journal", "ready", "status", "workers")
"""What there is below the prefix."""
_LIMIT = 1000
_FILTERS = ("session", "outcome", "limit")
_JOB_FILTERS = ("session", "status", "limit")


class State(Protocol):
    """What control shows of a run."""

    def status(self) -> Mapping[str, Any]:
        """The run as JSON."""

    def entries(self) -> Iterable[Entry]:
        """The journal, the oldest first."""

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """The connected workers, each with its `session`."""

    def jobs(self) -> Sequence[Mapping[str, Any]]:
        """The live workers' jobs, each with its `session` and `status`, the oldest first."""


class _Unknown(Exception):
    """A filter that cannot be; its text says why."""


class Control:
    """Answers control's requests."""

    def __init__(self, state: State, guard: Guard) -> None:
        self._state = state
        self._guard = guard
        answers = (self._health, self._jobs, self._journal, self._health, self._status, self._workers)
        self._routes = dict(zip(ROUTES, answers, strict=True))

    def answer(self, request: Request, *, session: str | None) -> Response:
        """The answer to one request; `session` is the one whose base URL was asked."""
        refusal = self._guard.refusal(request)
        if refusal is not None:
            return refusal
        path, _, query = request.uri.partition("?")
        name = path.removeprefix(PREFIX).strip("/")
        route = self._routes.get(name)
        if route is None:
            return self._unknown(name)
        if request.method not in ("GET", "HEAD"):
            return problem(
                "method-not-allowed",
                status=405,
                title="Method not allowed",
                detail=f"{PREFIX}{name} answers GET",
                headers=(("allow", "GET, HEAD"),),
            )
        try:
            return _json(route(parse_qs(query, keep_blank_values=True), session))
        except _Unknown as error:
            return problem("bad-filter", status=400, title="A filter cannot be", detail=str(error))

    def _unknown(self, name: str) -> Response:
        known = sorted(self._routes)
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
        "details": entry.details,
        "duration_ms": entry.duration_ms,
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
