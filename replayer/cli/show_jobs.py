"""`replayer show --jobs`: the jobs in recorded worker connections, a line each, with the request that caused each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from replayer.cassette.model import Cassette
from replayer.dispatch.recorded import RecordedJob, recorded_jobs

__all__ = ["job_list", "job_page"]

_COLUMNS = ("n", "worker", "job", "task", "mode", "fence", "at", "ms", "ended", "caused by")
_RIGHT = frozenset({"n", "fence", "at", "ms"})


def job_list(name: str, cassette: Cassette) -> dict[str, Any]:
    """For `--json`."""
    return {"cassette": name, "jobs": [asdict(job) for job in recorded_jobs(cassette.interactions)]}


def job_page(name: str, cassette: Cassette) -> Iterator[str]:
    """For people."""
    jobs = recorded_jobs(cassette.interactions)
    connections = len({job.connection for job in jobs})
    yield f"{name}: {len(jobs)} jobs on {connections} connections" if jobs else f"{name}: no jobs"
    rows = [dict(zip(_COLUMNS, _COLUMNS, strict=True)), *(_row(job, cassette) for job in jobs)] if jobs else []
    widths = {column: max(len(row[column]) for row in rows) for column in _COLUMNS} if rows else {}
    for row in rows:
        cells = (row[c].rjust(widths[c]) if c in _RIGHT else row[c].ljust(widths[c]) for c in _COLUMNS)
        yield ("  " + "  ".join(cells)).rstrip()


def _row(job: RecordedJob, cassette: Cassette) -> dict[str, str]:
    ended = job.outcome.value + (f" ({job.progress} progress)" if job.progress else "")
    if job.error:
        ended += f": {job.error}"
    return {
        "n": str(job.connection),
        "worker": job.worker or "-",
        "job": job.job_id,
        "task": job.task or "-",
        "mode": job.mode.value,
        "fence": str(job.fence),
        "at": f"{job.at:.0f}",
        "ms": "-" if job.ms is None else f"{job.ms:.0f}",
        "ended": ended,
        "caused by": "-" if job.caused_by is None else _request(job.caused_by, cassette),
    }


def _request(index: int, cassette: Cassette) -> str:
    request = cassette.interactions[index].request
    return f"#{index} {request.method} {urlsplit(request.uri).path}"
