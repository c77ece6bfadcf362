"""The bench: a queue's end with a worker at it, and what a check can do to the two.

It hands out what it is told to. It is no queue: which job goes where and when is a check's to say. A check waits for
what it needs with `until`, never longer than `timings` allow.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from replayer.clock import Clock
from replayer.contract.validate import Contract
from replayer.dispatch.ids import uuid7
from replayer.dispatch.messages import Answer, Job, Mode
from replayer.worker.check.check import Broken
from replayer.worker.check.ledger import Given
from replayer.worker.check.peer import Peer
from replayer.worker.check.program import Launch, Program
from replayer.worker.check.queue_end import QueueEnd

__all__ = ["Bench", "Timings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long to wait, in seconds."""

    start: float = 30.0
    """For the first connection."""
    job: float = 30.0
    """For the answer to a job."""
    reconnect: float = 20.0
    """For the next connection after one that was lost."""
    quiet: float = 0.3
    """To hear whether something comes that should not."""
    lease: float = 120.0
    """After which a queue gives a job without progress to another worker."""
    slow: float = 1.0
    """That a slow network takes for one message."""


class Bench(QueueEnd):
    """One run's queue end with its worker. `launch` starts it; None: somebody else does."""

    def __init__(
        self,
        *,
        clock: Clock,
        contract: Contract,
        timings: Timings,
        launch: Launch | None,
        payloads: tuple[Mapping[str, Any], ...],
        token: str | None,
    ) -> None:
        super().__init__(clock=clock, contract=contract)
        self.timings = timings
        self.payloads = payloads
        """What the worker can do; the first is what jobs ask for where it does not matter."""
        self.token = token
        """That the worker should send; None where nobody knows."""
        self.program: Program | None = None
        self.exit_status: int | None = None
        """Of the program, once it has ended."""
        self._launch = launch
        self._told_to_end = False
        self._watch: asyncio.Task[None] | None = None
        self._fences = itertools.count(7)

    # The worker

    @property
    def starts_worker(self) -> bool:
        """Whether the worker is ours to start and to end."""
        return self._launch is not None

    async def close(self) -> None:
        """End the worker that we started, cut every connection, and listen no more."""
        if self.program is not None and self.exit_status is None:
            self.program.kill()
        if self._watch is not None:
            await self._watch
        await super().close()

    async def ready(self) -> bool:
        """See to it that a worker is there, as far as it is in our hands; False where nobody can expect one.

        A program that ended, or does not come back, is started again.
        """
        if self._launch is not None and (self.program is None or self._told_to_end):
            await self._start()
        elif self.peers:
            await self.until(lambda: self.serving or self._ended(), self.timings.reconnect)
            if self.serving is None:
                if self._launch is None:
                    return False
                await self._start()
        return True

    def terminate(self) -> None:
        """Tell the program to end."""
        if self.program is not None:
            self._told_to_end = True
            self.program.terminate()

    async def _start(self) -> None:
        """Start the program, once the one before has ended."""
        assert self._launch is not None
        if self.program is not None and self._watch is not None:
            if self._told_to_end:
                await self.until(self._ended, self.timings.reconnect)
            if self.exit_status is None:
                self.program.kill()
            await self._watch
        self.exit_status, self._told_to_end = None, False
        self.program = await self._launch(self.url)
        self._watch = asyncio.create_task(self._watched(self.program))

    async def _watched(self, program: Program) -> None:
        self.exit_status = await program.wait()
        self.notify()

    async def worker(self) -> Peer:
        """The newest connection that is open and registered. Raises Broken where there is none in time."""
        seconds = self.timings.reconnect if self.peers else self.timings.start
        await self.until(lambda: self.serving or self._ended(), seconds)
        peer = self.serving
        if peer is not None:
            return peer
        if self.exit_status is not None:
            raise Broken(f"the worker ended with status {self.exit_status}")
        if self.peers and self.peers[-1].is_open:
            raise Broken(f"the worker connected and did not register in {seconds:g} s")
        raise Broken(f"the worker did not connect in {seconds:g} s")

    def _ended(self) -> bool | None:
        """For `until`: True once the program has ended."""
        return True if self.exit_status is not None else None

    # Jobs

    def job(self, payload: Any = None, *, mode: Mode = Mode.TRANSIENT) -> Job:
        """A new job; without a payload, one that the worker can do."""
        now = int(self.clock.now().timestamp() * 1000)
        return Job(
            job_id=uuid7(now, secrets.token_bytes(10)),
            mode=mode,
            config_id="default",
            payload=orjson.dumps(self.payloads[0] if payload is None else payload),
            fence_token=next(self._fences),
        )

    async def give(self, peer: Peer, *jobs: Job) -> list[Given]:
        """Hand out jobs, one after the other, without waiting for anything."""
        given = []
        for job in jobs:
            job = replace(job, config_id=peer.registered.config_id if peer.registered else job.config_id)
            given.append(self.note(job))
            await peer.say(job)
        return given

    async def answer(self, given: Given, seconds: float | None = None) -> Answer:
        """The first answer to a job, over whichever connection it comes. Raises Broken where none does in time."""
        limit = self.timings.job if seconds is None else seconds
        connection = self.peers[-1]
        await self.until(lambda: given.answers or self._ended(), limit)
        if given.answers:
            return given.answers[0]
        said = f"{given.job.mode} job {given.job.job_id}"
        if self.exit_status is not None:
            raise Broken(f"the worker ended with status {self.exit_status} and did not answer {said}")
        lost = f"; its connection ended with {connection.close_code}" if not connection.is_open else ""
        raise Broken(f"{said} was not answered in {limit:g} s{lost}")

    async def ask(self, payload: Any = None, *, mode: Mode = Mode.TRANSIENT) -> Given:
        """Give one job to the worker and await its answer. Raises Broken."""
        (given,) = await self.give(await self.worker(), self.job(payload, mode=mode))
        await self.answer(given)
        return given

    async def still_works(self, after: str) -> None:
        """The worker answers a job, on its connection or on the next. Raises Broken, which tells after what."""
        try:
            peer = await self.worker()
            (given,) = await self.give(peer, self.job())
            await self.until(lambda: given.answers or self._ended() or peer.close_code, self.timings.job)
            if given.answers:
                return
            if peer.is_open and self.exit_status is None:
                raise Broken(f"a job was not answered in {self.timings.job:g} s")
            await self.ask()
        except Broken as broken:
            raise Broken(f"after {after}: {broken}") from broken

    async def quiet(self) -> None:
        """Listen for a moment, for what should not come."""
        await asyncio.sleep(self.timings.quiet)

    @property
    def pace(self) -> float:
        """Seconds that the plain job takes at its quickest: one is under way for a good part of that. 0: unknown."""
        plain = orjson.dumps(self.payloads[0])
        took = [
            given.answered_at - given.at
            for given in self.ledger.given.values()
            if given.answered_at is not None and given.job.payload == plain and given.deliveries == 1
        ]
        return min(took) / 1000 if took else 0.0
