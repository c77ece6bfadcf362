"""What can be set about the queue; a value, so that a running queue never changes its rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from replayer.config import WhenNoWorker, Workers

__all__ = ["Offloading", "Policy", "Settings", "WhenNoWorker", "Workers"]


class Offloading(StrEnum):
    """Whether workers are offered URLs for what is too large for their frames."""

    ON = "on"
    OFF = "off"
    """For workers that know neither `payload_url` nor `result_upload_url`: a payload over a frame is a 413."""


class Policy(StrEnum):
    """What a frame that breaks its contract may still do."""

    REPORT = "report"
    """It is reported, and has its effect as far as it can be understood."""
    REJECT = "reject"
    """It is reported and refused: a result that breaks its contract fails its job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The section `[dispatch]` of a configuration; times are milliseconds."""

    path: str = "/ws"
    """Where workers connect."""
    workers: Workers = Workers.ONE
    when_no_worker: WhenNoWorker = WhenNoWorker.UNAVAILABLE
    job_timeout_ms: float = 120_000
    """Of a transient job, from its submission: then 504."""
    lease_ms: float = 120_000
    """Of a running persisted job, from its dispatch or its last progress: then it is dispatched anew."""
    max_attempts: int = 3
    """Dispatches of one persisted job before it has failed."""
    max_frame_bytes: int = 1_048_576
    """The largest frame that a worker takes: the public SDK closes with 1009 above it."""
    ping_s: float = 20.0
    """Between two pings to a worker; one that shows no life for half of that afterwards is lost."""
    offloading: Offloading = Offloading.ON
    max_payload_bytes: int = 67_108_864
    """The largest payload of a job that is offered by `payload_url`."""
    keep_finished: int = 10_000
    """Persisted jobs that have ended and are kept, of one session; older ones are forgotten."""
    policy: Policy = Policy.REPORT
