"""The family that acts on the answer as a whole: later, another one, or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import ClassVar

from replayer.cassette.model import Request
from replayer.faults.chance import Dice
from replayer.faults.fault import Answering, Fault, NotApplied, Rewriting
from replayer.faults.parameter import MS_MAX, integer, number
from replayer.faults.plan import Ending, Plan, Send, Wait
from replayer.faults.provider_errors import Provider, error_body
from replayer.faults.script import Script

__all__ = ["FAMILY", "Delay", "Reset", "Status"]

_BODILESS = (204, 205, 304)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Rewriting):
    """The head goes out later: by `ms`, give or take up to `jitter`."""

    name: ClassVar[str] = "delay"

    ms: float = number(high=MS_MAX)
    jitter: float = number(high=MS_MAX, default=0.0)

    def rewrite(self, plan: Plan, dice: Dice) -> Plan | NotApplied:
        return replace(plan, before=(*plan.before, self._wait(dice)))

    def rescript(self, script: Script, dice: Dice) -> Script | NotApplied:
        return replace(script, before=(*script.before, self._wait(dice)))

    def _wait(self, dice: Dice) -> Wait:
        ms = max(0.0, self.ms + self.jitter * (2 * dice.roll("jitter") - 1))
        return Wait(round(ms, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Answering):
    """Another answer: a status, with a body in the provider's shape."""

    name: ClassVar[str] = "status"

    code: int = integer(low=200, high=599)
    retry_after: float | None = number(high=MS_MAX / 1000, default=None)
    """Seconds."""
    retry_after_ms: float | None = number(high=MS_MAX, default=None)

    def answer(self, request: Request, provider: Provider) -> Plan:
        headers = [("content-type", "application/json")]
        if self.retry_after is not None:
            headers.append(("retry-after", f"{self.retry_after:.15g}"))
        if self.retry_after_ms is not None:
            headers.append(("retry-after-ms", f"{self.retry_after_ms:.15g}"))
        reason = _reason(self.code)
        if request.method.upper() == "HEAD" or self.code in _BODILESS:
            return Plan(status=self.code, reason=reason, headers=tuple(headers[1:]))
        body = error_body(provider, self.code, f"Injected by Replayer-Fault: {self.code} {reason}".rstrip())
        return Plan(status=self.code, reason=reason, headers=tuple(headers), steps=(Send(body),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Answering):
    """No answer: the connection is reset (RST)."""

    name: ClassVar[str] = "reset"

    def answer(self, request: Request, provider: Provider) -> Plan:
        return Plan(status=0, ending=Ending.RESET)


def _reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        # 529 is Anthropic's.
        return "Overloaded" if code == 529 else ""


FAMILY: tuple[type[Fault], ...] = (Delay, Status, Reset)
