"""How a run stands: what was asked of a gateway so far, and what of its cassettes was played.

The rule: it looks and changes nothing. Control shows it while the run goes on, the command line at its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from replayer import __version__
from replayer.cassette.model import Interaction
from replayer.clock import timestamp
from replayer.dispatch.server import DispatchServer
from replayer.gateway.session import Sessions
from replayer.inputs import NamedCassette
from replayer.journal import Entry, Journal, Outcome
from replayer.match.player import Player

__all__ = ["Address", "Run", "Summary"]


class Address(NamedTuple):
    """Where a run listens."""

    host: str
    """Of a Unix socket, its path."""
    port: int
    """0 of a Unix socket."""
    scheme: str = "http"
    """`http`, `https` or `unix`."""
    note: str = ""
    """What is special about it, for people."""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8788`, `unix:/run/replayer.sock`."""
        if self.scheme == "unix":
            return f"unix:{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run in numbers."""

    requests: int
    """Without the connections of workers."""
    workers: int
    """Connections of workers."""
    outcomes: Mapping[Outcome, int]
    """Those that there were."""
    faulted: int
    """Requests that a fault took effect on."""
    not_applied: int
    violations: int
    """Of severity warning or error."""
    unchecked: Mapping[str, int]
    """What was not held against its contract, by what it was."""
    request_drift: int
    """Requests that match by loose rules only, and ask for something else than was recorded."""
    interactions: int
    unplayed: tuple[str, ...]
    """`<cassette>#<n>` of what no session played."""
    seed: int

    @property
    def misses(self) -> int:
        """Requests that nothing recorded answers."""
        return self.outcomes.get(Outcome.MISS, 0)


class Run:
    """One run, seen from outside."""

    def __init__(
        self,
        *,
        player: Player,
        sessions: Sessions,
        journal: Journal,
        cassettes: Sequence[NamedCassette],
        live: DispatchServer | None,
        seed: int,
        redact: Callable[[str], str],
    ) -> None:
        """`redact` takes the secrets out of a URI that is shown."""
        self._redact = redact
        self._player = player
        self._sessions = sessions
        self._journal = journal
        self._cassettes = cassettes
        self._live = live
        self._seed = seed
        self._addresses: tuple[Address, ...] = ()
        self._started_at: datetime | None = None

    def replaced(self, player: Player, cassettes: Sequence[NamedCassette]) -> None:
        """Something else is played from here on."""
        self._player, self._cassettes = player, cassettes

    def cassettes(self) -> list[dict[str, Any]]:
        """What is loaded, cassette by cassette, as JSON."""
        lengths = Counter(name for name, _, _ in self._player.interactions())
        known = dict(self._cassettes)
        return [
            {
                "name": name,
                "interactions": lengths[name],
                "origin": None if (told := known[name].metadata if name in known else None) is None else told.origin,
                "upstreams": {} if told is None else dict(told.upstreams),
                "problems": [
                    {"index": problem.index, "message": problem.message, "lost": problem.lost}
                    for problem in (known[name].problems if name in known else ())
                ],
            }
            for name in self._player.names
        ]

    def interactions(self, *, session: str | None, cassette: str | None) -> Iterator[dict[str, Any]]:
        """Everything that is loaded, with how often it was played (by one session, or by all there are)."""
        asked = [found for found in self._sessions if session is None or found.name == session]
        ever = self._sessions.played if session is None else frozenset[int]()
        for ordinal, (name, number, interaction) in enumerate(self._player.interactions()):
            if cassette is not None and name != cassette:
                continue
            times = sum(found.play.times.get(ordinal, 0) for found in asked)
            yield {
                "name": f"{name}#{number}",
                "method": interaction.request.method,
                "uri": self._redact(interaction.request.uri),
                "status": interaction.response.status,
                "played": times or int(ordinal in ever),
            }

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it listens."""
        return self._addresses

    def began(self, addresses: tuple[Address, ...], at: datetime) -> None:
        """It listens."""
        self._addresses, self._started_at = addresses, at

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Be told of each miss and each fault that could not apply, when it has happened."""
        self._journal.watcher = watcher

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Be told of everything that was asked, when it has been answered."""
        self._journal.listener = listener

    def recorded(self) -> Mapping[str, Interaction]:
        """Everything that can be played, by its name."""
        return {f"{name}#{index}": found for name, index, found in self._player.interactions()}

    def shown(self, uri: str) -> str:
        """A URI without secrets."""
        return self._redact(uri)

    def played(self) -> Mapping[str, bool]:
        """The names of all interactions, each with whether any session played it."""
        unplayed = set(self.summary().unplayed)
        names = (f"{name}#{index}" for name, index, _ in self._player.interactions())
        return {name: name not in unplayed for name in names}

    def entries(self) -> Iterable[Entry]:
        """The journal, the oldest first."""
        return self._journal

    def summary(self) -> Summary:
        """The run in numbers, as of now."""
        played = self._sessions.played
        names = [f"{name}#{index}" for name, index, _ in self._player.interactions()]
        journal = self._journal
        workers = 0 if self._live is None else self._live.status().connections
        return Summary(
            requests=self._sessions.requests - workers,
            workers=workers,
            outcomes={outcome: count for outcome, count in journal.outcomes.items() if count},
            faulted=journal.faulted,
            not_applied=journal.not_applied,
            violations=journal.violations,
            unchecked=dict(journal.unchecked),
            request_drift=journal.request_drift,
            interactions=len(names),
            unplayed=tuple(name for ordinal, name in enumerate(names) if ordinal not in played),
            seed=self._seed,
        )

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """The connected workers as JSON, by session."""
        return [] if self._live is None else [asdict(worker) for worker in self._live.status().workers]

    def jobs(self) -> Sequence[Mapping[str, Any]]:
        """The live workers' jobs as JSON, without payloads and results."""
        return [] if self._live is None else [asdict(job) for job in self._live.jobs()]

    def status(self) -> Mapping[str, Any]:
        """The run as JSON, for control."""
        summary = self.summary()
        return {
            "version": __version__,
            "started_at": None if self._started_at is None else timestamp(self._started_at),
            "listening": [address.url for address in self._addresses],
            "seed": summary.seed,
            "requests": summary.requests,
            "outcomes": {outcome.value: count for outcome, count in summary.outcomes.items()},
            "faulted": summary.faulted,
            "faults_not_applied": summary.not_applied,
            "violations": summary.violations,
            "unchecked": dict(summary.unchecked),
            "request_drift": summary.request_drift,
            "interactions": {"loaded": summary.interactions, "unplayed": len(summary.unplayed)},
            "cassettes": [
                {"name": found["name"], "interactions": found["interactions"], "problems": len(found["problems"])}
                for found in self.cassettes()
            ],
            "sessions": [
                {"name": session.name, "requests": session.requests, "played": len(session.play.used_by)}
                for session in self._sessions
            ],
            "dispatch": None if self._live is None else asdict(self._live.status()),
        }
