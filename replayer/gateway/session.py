"""Sessions: one test's private playing state and fault counts.

The rule: no session sees what another played. A session comes into being when it is first named, by the header
`Replayer-Session` or by a base URL `/__replayer/s/<name>/…`; whoever names none meets in `default`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from replayer.errors import UsageError
from replayer.faults.chance import FaultState
from replayer.match.player import PlayState

__all__ = ["DEFAULT", "Session", "Sessions", "split_session"]

DEFAULT = "default"
PREFIX = "/__replayer/s/"
_MAX_NAME = 256
_MAX_SESSIONS = 100_000


@dataclass(slots=True, kw_only=True)
class Session:
    """What one test has been answered."""

    name: str
    play: PlayState = field(default_factory=PlayState)
    faults: FaultState = field(default_factory=FaultState)
    requests: int = 0


class Sessions:
    """All sessions of one gateway, by name."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {DEFAULT: Session(name=DEFAULT)}

    def get(self, name: str | None) -> Session:
        """The session of that name (None: the default one), made where it is new. UsageError for an unusable name."""
        known = self._sessions.get(name or DEFAULT)
        return known if known is not None else self._create(name or DEFAULT)

    def _create(self, name: str) -> Session:
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
