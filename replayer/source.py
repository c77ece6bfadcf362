"""Where answers come from: cassettes alone, or real servers too, and what is kept of those. Values.

The rule: the words are vcrpy's, and one table says what each means. Nothing goes upstream unless a mode says so, and
then only to upstreams that were named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from replayer.errors import UsageError
from replayer.gateway.relay import Bending
from replayer.gateway.upstreams import Asking
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream, Way

__all__ = ["Mode", "Source", "Taping"]


class Mode(StrEnum):
    """`--record-mode`; the first five are vcrpy's."""

    ALL = "all"
    """Nothing is played, everything is recorded; what the cassette holds stays where it was not recorded again."""
    NEW_EPISODES = "new_episodes"
    """What is known is played, what is not is recorded."""
    ONCE = "once"
    """A cassette that holds something is played only; an empty one records everything."""
    NONE = "none"
    """Nothing is recorded: what is not known is a miss."""
    REWRITE = "rewrite"
    """As `all`, and what the cassette held goes."""
    SPY = "spy"
    """`--spy`: what is not known is asked upstream, and nothing is kept."""
    PASSTHROUGH = "passthrough"
    """`--passthrough`: everything is asked upstream, and nothing is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taping:
    """Where the recorder writes, and how."""

    output: Path
    settings: Settings | None = None
    """All that a recorder can be told; None: nothing beside the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the answers of one run come from."""

    mode: Mode = Mode.NONE
    upstreams: tuple[Upstream, ...] = ()
    taping: Taping | None = None
    """None where nothing is recorded."""
    faults: Bending = Bending.REFUSED
    way: Way = Way.REVERSE
    """FORWARD: clients come by proxy variables, and name the hosts themselves."""

    @property
    def asking(self) -> Asking:
        """Which requests go upstream, where any do."""
        return Asking.ALWAYS if self.mode in (Mode.ALL, Mode.REWRITE, Mode.PASSTHROUGH) else Asking.MISSES

    @property
    def records(self) -> bool:
        """Whether anything may be written."""
        return self.mode in (Mode.ALL, Mode.NEW_EPISODES, Mode.ONCE, Mode.REWRITE)

    def writes(self, *, held: bool) -> bool:
        """Whether this run records; `held` says whether its cassette holds something already."""
        return self.records and not (self.mode is Mode.ONCE and held)

    def checked(self) -> Source:
        """The same. UsageError where it cannot be."""
        if self.mode is Mode.NONE:
            if self.upstreams:
                raise UsageError(
                    "--upstream names a real server, and nothing goes there: say when, with --record-mode "
                    "new_episodes, once or all, with --spy, or with --passthrough"
                )
            return self
        _once(self.upstreams)
        if not self.upstreams and self.way is Way.REVERSE:
            raise UsageError(
                f"{_option(self.mode)} goes upstream, and needs to know where: --upstream NAME=URL, such as "
                "openai=https://api.openai.com"
            )
        if self.records and self.taping is None:
            raise UsageError(f"{_option(self.mode)} needs one cassette to record into: give one file, or -o FILE")
        return self


def _option(mode: Mode) -> str:
    return f"--{mode}" if mode in (Mode.SPY, Mode.PASSTHROUGH) else f"--record-mode {mode}"


def _once(upstreams: Sequence[Upstream]) -> None:
    names = [upstream.name for upstream in upstreams]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two upstreams have the name {name!r}")
