"""The run: one check after the other over one bench, each with its outcome. A worker that died is started again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Outcome, Skipped, Verdict
from replayer.worker.check.observed import OBSERVED

__all__ = ["run"]


async def run(bench: Bench, checks: Sequence[Check], tell: Callable[[Outcome], None]) -> tuple[Outcome, ...]:
    """Make every check; `tell` hears of each outcome at once. The bench is open.

    Where no worker ever came, what is left is skipped: nothing more can be learnt.
    """
    outcomes: list[Outcome] = []
    gone = False
    for check in checks:
        started = bench.clock.ms()
        gone = gone or not await bench.ready()
        verdict, why = Verdict.HELD, ""
        if outcomes and not bench.peers:
            verdict, why = Verdict.SKIPPED, "no worker ever connected"
        elif gone and check not in OBSERVED:
            verdict, why = Verdict.SKIPPED, "the worker did not come back"
        else:
            try:
                await check.ask(bench)
            except Skipped as skipped:
                verdict, why = Verdict.SKIPPED, str(skipped)
            except Broken as broken:
                verdict, why = Verdict.FAILED, str(broken)
        seconds = (bench.clock.ms() - started) / 1000
        outcome = Outcome(check=check, verdict=verdict, why=why, seconds=seconds)
        outcomes.append(outcome)
        tell(outcome)
    return tuple(outcomes)
