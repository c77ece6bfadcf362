"""Steering: what control sees of a run, and what it can change of it.

The rule: control asks here and nowhere else; whatever is changed is changed between two requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from replayer.errors import UsageError, closest
from replayer.gateway.session import DEFAULT, Session, Sessions
from replayer.journal import Entry
from replayer.run import Run

if TYPE_CHECKING:
    from replayer.service import Service

__all__ = ["Steering"]


class Steering:
    """One run, in control's hands."""

    def __init__(self, run: Run, sessions: Sessions) -> None:
        self._run = run
        self._sessions = sessions
        self._service: Service | None = None

    def serves(self, service: Service) -> None:
        """Whom to ask for what the whole run has to do."""
        self._service = service

    def status(self) -> Mapping[str, Any]:
        """The run as JSON."""
        self._sessions.sweep()
        return self._run.status()

    def entries(self) -> Iterable[Entry]:
        """The journal, the oldest first."""
        return self._run.entries()

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """The connected workers."""
        return self._run.workers()

    def jobs(self) -> Sequence[Mapping[str, Any]]:
        """The live workers' jobs."""
        return self._run.jobs()

    def cassettes(self) -> Sequence[Mapping[str, Any]]:
        """What is loaded."""
        return self._run.cassettes()

    def interactions(self, *, session: str | None, cassette: str | None) -> Iterator[Mapping[str, Any]]:
        """What is loaded, and how often it was played. UsageError for a session or a cassette that there is not."""
        if session is not None:
            self._known(session)
        if cassette is not None:
            self._loaded((cassette,))
        return self._run.interactions(session=session, cassette=cassette)

    def sessions(self) -> Iterator[Mapping[str, Any]]:
        """All sessions that there are."""
        self._sessions.sweep()
        return (_shown(session) for session in self._sessions)

    def create(self, name: str, cassettes: Sequence[str] | None) -> Mapping[str, Any]:
        """A session that plays some of the cassettes only; one that is there is narrowed. UsageError."""
        if cassettes is not None:
            self._loaded(cassettes)
        session = self._sessions.get(name)
        session.cassettes = None if cassettes is None else frozenset(cassettes)
        return _shown(session)

    def end(self, name: str) -> None:
        """Let a session go. UsageError for one that there is not."""
        self._sessions.end(self._known(name))

    def reset(self, name: str | None) -> int:
        """Begin anew: a session, or all of them; how many. UsageError for one that there is not."""
        found = list(self._sessions) if name is None else [self._known(name)]
        for session in found:
            self._sessions.reset(session)
        return len(found)

    async def reload(self) -> Mapping[str, Any]:
        """Read the cassettes anew. ReplayerError where they cannot be: then nothing has changed."""
        if self._service is None:
            raise UsageError("this run cannot reload")
        reloaded = await self._service.reload()
        return {
            "cassettes": reloaded.cassettes,
            "interactions": reloaded.interactions,
            "added": reloaded.added,
            "gone": reloaded.gone,
        }

    def shut_down(self) -> None:
        """End the run, as a signal does."""
        if self._service is not None:
            self._service.shutdown.set()

    def _known(self, name: str) -> Session:
        session = self._sessions.find(name)
        if session is None:
            known = [session.name for session in self._sessions]
            raise UsageError(f"there is no session {name!r}{closest(name, known)}")
        return session

    def _loaded(self, names: Sequence[str]) -> None:
        known = [str(found["name"]) for found in self._run.cassettes()]
        for name in names:
            if name not in known:
                raise UsageError(f"no cassette {name!r} is loaded{closest(name, known)}")


def _shown(session: Session) -> Mapping[str, Any]:
    return {
        "name": session.name,
        "default": session.name == DEFAULT,
        "requests": session.requests,
        "under_way": session.under_way,
        "played": len(session.play.used_by),
        "cassettes": None if session.cassettes is None else sorted(session.cassettes),
    }
