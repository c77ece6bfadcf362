"""What control sees of a run and can change of it; the wiring gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from replayer.journal import Entry

__all__ = ["State"]


class State(Protocol):
    """One run. UsageError for a name that there is not."""

    def status(self) -> Mapping[str, Any]:
        """The run as JSON."""

    def entries(self) -> Iterable[Entry]:
        """The journal, the oldest first."""

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """The connected workers, each with its `session`."""

    def jobs(self) -> Sequence[Mapping[str, Any]]:
        """The live workers' jobs, each with its `session` and `status`, the oldest first."""

    def cassettes(self) -> Sequence[Mapping[str, Any]]:
        """What is loaded."""

    def interactions(self, *, session: str | None, cassette: str | None) -> Iterable[Mapping[str, Any]]:
        """What is loaded of a cassette (None: of all), and how often a session (None: any) has `played` it."""

    def sessions(self) -> Iterable[Mapping[str, Any]]:
        """All sessions that there are."""

    def create(self, name: str, cassettes: Sequence[str] | None) -> Mapping[str, Any]:
        """A session that plays some of the cassettes only (None: all)."""

    def end(self, name: str) -> None:
        """Let a session go."""

    def reset(self, name: str | None) -> int:
        """Let a session (None: all of them) begin anew; how many."""

    async def reload(self) -> Mapping[str, Any]:
        """Read the cassettes anew, all or nothing. ReplayerError where they cannot be."""

    def shut_down(self) -> None:
        """End the run."""
