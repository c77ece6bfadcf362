"""A bench and simulated workers on one event loop, over real sockets and in short times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from replayer.clock import SystemClock
from replayer.contract.registry import bundled
from replayer.worker.backoff import Backoff
from replayer.worker.check.bench import Bench, Timings
from replayer.worker.check.catalogue import catalogue, choose, payloads_of
from replayer.worker.check.check import Check, Outcome
from replayer.worker.check.program import Program
from replayer.worker.check.run import run
from replayer.worker.conduct import Conduct
from replayer.worker.misbehave.catalogue import conduct_named
from replayer.worker.options import Options
from replayer.worker.simulate import SimulatedWorker

__all__ = ["Checked"]


class _Running:
    """A simulated worker as a program: it has an end, and a status."""

    def __init__(self, worker: SimulatedWorker) -> None:
        self._worker = worker
        self._task = asyncio.create_task(worker.run())

    def terminate(self) -> None:
        self._worker.stop()

    def kill(self) -> None:
        self._task.cancel()

    async def wait(self) -> int:
        await asyncio.wait({self._task})
        return -9 if self._task.cancelled() else self._task.result()


class _Launch:
    token: str | None = "t0ken"

    def __init__(self, misbehaviour: str | None, options: dict[str, Any]) -> None:
        self._misbehaviour = misbehaviour
        self._options = options

    async def __call__(self, url: str) -> Program:
        conduct = conduct_named(self._misbehaviour) if self._misbehaviour else Conduct()
        chosen = {"capacity": 2, "delay": 0.05, "token": self.token, "worker_id": "sim", **self._options}
        random = Random(0)
        worker = SimulatedWorker(
            Options(url=url, **chosen),
            clock=SystemClock(),
            random=random,
            report=lambda _: None,
            backoff=Backoff(random, first=0.01, most=0.02),
            conduct=conduct,
        )
        return _Running(worker)


class Checked:
    """What came of a run, by the checks' names."""

    def __init__(self, outcomes: Sequence[Outcome], bench: Bench) -> None:
        self.outcomes = {outcome.check.name: outcome for outcome in outcomes}
        self.bench = bench

    @classmethod
    async def run(
        cls,
        *only: str,
        misbehave: str | None = None,
        checks: Sequence[Check] | None = None,
        timings: dict[str, float] | None = None,
        external: bool = False,
        **options: Any,
    ) -> Checked:
        """Check a simulated worker; `only` as the option. `external`: it is not the bench that starts it."""
        short = {"start": 1.0, "job": 5.0, "reconnect": 5.0, "quiet": 0.1, "slow": 0.2, "lease": 0.3}
        payloads = payloads_of((), ())
        launch = _Launch(misbehave, options)
        bench = Bench(
            clock=SystemClock(),
            contract=bundled(),
            timings=Timings(**{**short, **(timings or {})}),
            launch=None if external else launch,
            payloads=payloads,
            token=_Launch.token,
        )
        chosen = choose(checks or catalogue(payloads, promised=True), only=only, skip=())
        await bench.open()
        if external:
            program = await launch(bench.url)
        try:
            return cls(await run(bench, chosen, lambda _: None), bench)
        finally:
            await bench.close()
            if external:
                program.kill()
                await program.wait()


@pytest.fixture
def checked() -> type[Checked]:
    """Runs checks against a simulated worker."""
    return Checked
