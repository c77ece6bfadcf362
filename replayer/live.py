"""The wiring of live workers: builds the dispatch server of one run from its configuration.

The rule: as in `service`, rooms meet here and do not know each other. The job store is opened here, once, and closed
by the server.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from replayer.clock import Clock
from replayer.config import DispatchConfig, WhenNoWorker
from replayer.contract.validate import Contract
from replayer.dispatch.server import DispatchServer, FrameCheck
from replayer.dispatch.settings import Offloading, Policy, Settings
from replayer.dispatch.standin import RecordedWorkers
from replayer.errors import UsageError
from replayer.inputs import Loaded
from replayer.journal import Journal

__all__ = ["live_workers"]


def live_workers(
    loaded: Loaded,
    contract: Contract | None,
    *,
    clock: Clock,
    journal: Journal,
    show: Callable[[str], str],
    job_store: str | None,
    job_timeout_s: float | None,
) -> DispatchServer | None:
    """The dispatch server, None where nothing is dispatched. `job_store` and `job_timeout_s` are the command line's.

    `show` takes the secrets out of what is told of a frame.

    Raises UsageError for what cannot be, LockedError and UnreadableError for a job store that cannot be had.
    """
    dispatch = loaded.config.dispatch
    if dispatch is None:
        if job_store is not None or job_timeout_s is not None:
            raise UsageError(
                "--job-store and --job-timeout are for live workers, and nothing is dispatched here: "
                "add [dispatch] to replayer.toml, or replay a directory that has it (casola)"
            )
        return None
    settings = _settings(dispatch, job_timeout_s)
    recorded = _recorded(loaded) if settings.when_no_worker is WhenNoWorker.CASSETTE else None
    path = job_store if job_store is not None else dispatch.job_store
    if path is not None:
        from replayer.dispatch.store import JobStore  # sqlite3 takes a while, and few runs need it

        store = JobStore(Path(path))
    else:
        store = None
    return DispatchServer(
        settings,
        {route.path: route.task for route in loaded.config.dispatched},
        clock=clock,
        journal=journal,
        show=show,
        check=_frame_check(contract, dispatch),
        store=store,
        recorded=recorded,
    )


def _settings(dispatch: DispatchConfig, job_timeout_s: float | None) -> Settings:
    return Settings(
        path=dispatch.path,
        workers=dispatch.workers,
        when_no_worker=dispatch.when_no_worker,
        job_timeout_ms=(dispatch.job_timeout if job_timeout_s is None else job_timeout_s) * 1000,
        lease_ms=dispatch.lease * 1000,
        max_attempts=dispatch.max_attempts,
        policy=Policy(dispatch.policy),
        offloading=Offloading(dispatch.offload),
        keep_finished=dispatch.keep_finished,
    )


def _recorded(loaded: Loaded) -> RecordedWorkers:
    recorded = RecordedWorkers(loaded.cassettes)
    if not len(recorded):
        raise UsageError(
            'when_no_worker = "cassette", but none of the cassettes holds a recorded worker connection with answers: '
            "record one (README, Record), or choose 503 or queue"
        )
    return recorded


def _frame_check(contract: Contract | None, dispatch: DispatchConfig) -> FrameCheck | None:
    """Every frame of a worker, in both directions, against the contract of the worker protocol."""
    if contract is None:
        return None
    return contract.frames(dispatch.path, where="frame", service=DispatchServer.service)
