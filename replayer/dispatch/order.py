"""The order of a worker's connection, as rules with names: what each one says when it is broken.

`where` stays empty: whoever writes the violation down knows the entry of the journal. Pure; which rule is broken is
decided in `queue`.
"""

from __future__ import annotations

from replayer.contract.violation import Severity, Violation
from replayer.dispatch.job import Job
from replayer.dispatch.messages import Malformed

__all__ = [
    "after_drain",
    "foreign_fence",
    "late",
    "malformed",
    "no_such_job",
    "not_fetched",
    "not_running",
    "not_uploaded",
    "register_first",
    "revoked",
    "stale_fence",
]


def _broken(rule: str, expected: str, actual: str, pointer: str = "", severity: Severity = Severity.ERROR) -> Violation:
    return Violation(
        where="", pointer=pointer, expected=expected, actual=actual, schema=f"casola:{rule}", severity=severity
    )


def malformed(frame: Malformed) -> Violation:
    """The frame is no message of the protocol."""
    return _broken("message", "a message of the worker protocol", frame.why, frame.pointer)


def register_first(kind: str) -> Violation:
    """Something was said before registering."""
    return _broken("register-first", "register as the first message", kind, "/type")


def after_drain(kind: str) -> Violation:
    """A draining or replaced worker spoke of new jobs."""
    expected = "nothing after drain, or after being replaced, but the answers to running jobs"
    return _broken("after-drain", expected, kind, "/type", Severity.WARNING)


def no_such_job(job_id: str) -> Violation:
    """An answer to a job that never was."""
    return _broken("known-job", "the id of a job that was dispatched", job_id[:80], "/job_id")


def not_running(job: Job) -> Violation:
    """An answer to a job that this worker does not have."""
    actual = f"{job.id}, which is {job.status}" + (f" at worker {job.worker_id}" if job.worker_id else "")
    # One that was lost goes on with what it had, and says so over its next connection.
    severity = Severity.WARNING if job.dispatches else Severity.ERROR
    return _broken("running-job", "the id of a job that this worker was given", actual, "/job_id", severity)


def late(job_id: str, how: str, *, again: bool = False) -> Violation:
    """An answer to a job that has already ended: a second answer is the worker's fault, a late one is not, nor is one
    to a job that it was given again or that was revoked (`again`)."""
    severity = Severity.ERROR if how == "answered" and not again else Severity.INFO
    return _broken("one-answer", "one answer to a job, in time", f"{job_id}, already {how}", "/job_id", severity)


def revoked(job: Job) -> Violation:
    """An answer to an attempt that was revoked: workers finish what they have begun and report it, with fence 0."""
    return _broken("revoked", "the id of a job that is this worker's", f"{job.id}, revoked", "/job_id", Severity.INFO)


def stale_fence(job: Job, fence: int) -> Violation:
    """An answer with another fence than the newest attempt's; to be expected from a worker that had been lost."""
    severity = Severity.WARNING if job.dispatches > 1 else Severity.ERROR
    return _broken("fence", f"the fence {job.fence} of the newest attempt", str(fence), "/fence_token", severity)


def not_uploaded(job_id: str, *, offered: bool) -> Violation:
    """A result elsewhere, where nothing was put."""
    expected = "a result that was put to result_upload_url" if offered else "job_result: no upload was offered"
    return _broken("result-ref", expected, f"{job_id}, without an upload", "/job_id")


def not_fetched(job_id: str) -> Violation:
    """A result of a payload that was offered elsewhere and that nobody had read by then."""
    expected = "a result of what payload_url gives"
    return _broken("payload-url", expected, f"{job_id}, whose payload_url was not asked for", "/job_id")


def foreign_fence(wanted: int, fence: int) -> Violation:
    """An answer to a persisted job with a fence that is not its own."""
    return _broken("fence", f"the job's fence {wanted}", str(fence), "/fence_token")
