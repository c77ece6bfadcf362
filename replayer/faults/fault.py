"""A fault: a small frozen value that says what goes wrong, with a probability and a count.

Two directions so far: an `Answering` fault replaces the source (nothing is consumed, nothing dispatched), a
`Rewriting` one changes the plan of whatever answers, or says why it cannot. Both are pure: chance comes from the dice
that they are handed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from replayer.cassette.model import Request
from replayer.faults.chance import Dice
from replayer.faults.parameter import integer, number
from replayer.faults.plan import Plan
from replayer.faults.provider_errors import Provider
from replayer.faults.script import Script

__all__ = ["Answering", "Fault", "NotApplied", "Rewriting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplied:
    """A fault that was asked for and could not take effect."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(ABC):
    """What all faults share. `first` and `skip` count the requests that match the rule, in one session."""

    name: ClassVar[str]

    p: float = number(low=0, high=1, default=1.0)
    first: int | None = integer(low=1, default=None)
    """Only so many requests, after those that `skip` passes over."""
    skip: int = integer(low=0, default=0)

    @property
    def always(self) -> bool:
        """Whether it takes effect on every request."""
        return self.p == 1 and self.first is None and self.skip == 0

    def drawn(self, dice: Dice) -> bool:
        """Whether it takes effect on the request that the dice were made for."""
        if dice.count <= self.skip or (self.first is not None and dice.count > self.skip + self.first):
            return False
        return dice.roll("p") < self.p

    def check(self) -> None:
        """Hold the parameters against each other. ValueError says what does not go together."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering(Fault):
    """A fault that answers in the source's place."""

    @abstractmethod
    def answer(self, request: Request, provider: Provider) -> Plan:
        """What the client gets; errors are in the provider's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting(Fault):
    """A fault that changes what is delivered."""

    @abstractmethod
    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        """The changed plan, or why there is nothing to change."""

    def rescript(self, script: Script, dice: Dice) -> Script | NotApplied:
        """The changed script of a connection, or why there is nothing to change."""
        return NotApplied(reason="a connection has no such thing")
