"""Sessions: one test's private playing state and fault counts.

The rule: no session sees what another played. A session comes into being when it is first named, by the header
`Replayer-Session` or by a base URL `/__replayer/s/<name>/…`; whoever names none meets in `default`. One that nobody
has named for an hour is let go, and what it had asked and played still counts. One with an open connection is not idle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from replayer.clock import Clock
from replayer.errors import UsageError
from replayer.faults.chance import FaultState
from replayer.match.player import PlayState

__all__ = ["DEFAULT", "Session", "Sessions", "split_session"]

DEFAULT = "default"
PREFIX = "/__replayer/s/"
IDLE_S = 3600.0
"""Seconds after which a session that nobody names is let go."""
_SWEEP_MS = 60_000
_MAX_NAME = 256
_MAX_SESSIONS = 100_000


@dataclass(slots=True, kw_only=True)
class Session:
    """What one test has been answered."""

    name: str
    play: PlayState = field(default_factory=PlayState)
    faults: FaultState = field(default_factory=FaultState)
    requests: int = 0
    cassettes: frozenset[str] | None = None
    """What its requests are narrowed to that do not say it themselves; None for all that is loaded."""
    under_way: int = 0
    """Requests and connections that have not ended."""
    seen: float = 0.0
    """When it was last named, or the last of its connections ended; of the clock's `ms`."""

    def reset(self) -> None:
        """Begin anew: nothing was played, no fault was drawn."""
        self.play, self.faults = PlayState(), FaultState()


class Sessions:
    """All sessions of one gateway, by name."""

    def __init__(self, clock: Clock, *, idle_s: float = IDLE_S) -> None:
        """`idle_s` is how long a session may go unnamed, in seconds."""
        self._clock = clock
        self._idle_ms = idle_s * 1000
        self._swept = clock.ms()
        self._sessions: dict[str, Session] = {DEFAULT: Session(name=DEFAULT)}
        self._gone = 0
        self._played: set[int] = set()

    def get(self, name: str | None) -> Session:
        """The session of that name (None: the default one), made where it is new. UsageError for an unusable name."""
        session = self._sessions.get(name or DEFAULT)
        if session is None:
            session = self._create(name or DEFAULT)
        session.seen = self._clock.ms()
        return session

    def left(self, session: Session) -> None:
        """A connection of it has ended: only now its idleness begins."""
        session.seen = self._clock.ms()

    def find(self, name: str) -> Session | None:
        """The session of that name, if there is one; looking does not keep it."""
        return self._sessions.get(name)

    def end(self, session: Session) -> None:
        """Let a session go; the default one only begins anew. What it asked and played still counts."""
        self._gone += session.requests
        self._played.update(session.play.used_by)
        if session.name == DEFAULT:
            session.reset()
            session.requests = 0
        else:
            self._sessions.pop(session.name, None)

    def reset(self, session: Session) -> None:
        """A session begins anew; what it has played still counts as played."""
        self._played.update(session.play.used_by)
        session.reset()

    def sweep(self) -> None:
        """Let those go that have been idle for too long."""
        now = self._swept = self._clock.ms()
        for session in tuple(self._sessions.values()):
            if session.name != DEFAULT and not session.under_way and now - session.seen > self._idle_ms:
                self.end(session)

    @property
    def requests(self) -> int:
        """That there ever were, in all sessions."""
        return self._gone + sum(session.requests for session in self._sessions.values())

    @property
    def played(self) -> frozenset[int]:
        """Ordinals that any session ever played."""
        return frozenset(self._played.union(*(session.play.used_by for session in self._sessions.values())))

    def carry(self, ordinals: Mapping[int, int]) -> None:
        """Another player plays from here on; `ordinals` maps the old one's to its own, where it has the same."""
        self._played = {ordinals[ordinal] for ordinal in self._played if ordinal in ordinals}
        for session in self._sessions.values():
            session.play = session.play.carried(ordinals)

    def _create(self, name: str) -> Session:
        if self._clock.ms() - self._swept > _SWEEP_MS or len(self._sessions) >= _MAX_SESSIONS:
            self.sweep()
        if len(name) > _MAX_NAME or not name.isprintable():
            raise UsageError(f"a session's name is at most {_MAX_NAME} printable characters")
        if len(self._sessions) >= _MAX_SESSIONS:
            raise UsageError(f"there are {_MAX_SESSIONS} sessions already: restart the gateway, or use fewer names")
        session = self._sessions[name] = Session(name=name)
        return session

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)


def split_session(target: str) -> tuple[str | None, str]:
    """The session that a request target names by its prefix, and the target without it.

    UsageError where the prefix is there and the name is not.
    """
    if not target.startswith(PREFIX):
        return None, target
    name, slash, rest = target[len(PREFIX) :].partition("/")
    if "?" in name:
        name, slash, rest = name.partition("?")[0], "", target.partition("?")[2]
    if not name:
        raise UsageError(f"{PREFIX}<name>/… needs the name of a session: {PREFIX}my-test/v1/models")
    return unquote(name), "/" + rest if slash else "/" + (f"?{rest}" if rest else "")
