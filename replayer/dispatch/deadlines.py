"""Deadlines that all lie equally far ahead: the oldest is always the first, so no heap is needed.

Setting one anew moves it to the end; that is how a lease is renewed. Nothing here knows what a deadline is for.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Deadlines"]


class Deadlines:
    """Job ids with the moment when their time is up; `ahead_ms` after they were set."""

    def __init__(self, ahead_ms: float) -> None:
        self._ahead_ms = ahead_ms
        self._at: dict[str, float] = {}

    def set(self, job_id: str, now_ms: float) -> None:
        """Count from now, whatever was counted before."""
        self._at.pop(job_id, None)
        self._at[job_id] = now_ms + self._ahead_ms

    def clear(self, job_id: str) -> None:
        """Count no longer."""
        self._at.pop(job_id, None)

    def next(self) -> float | None:
        """The first moment at which a time is up."""
        return next(iter(self._at.values()), None)

    def expired(self, now_ms: float) -> Iterator[str]:
        """Take out, one by one, those whose time is up."""
        while self._at:
            job_id, at = next(iter(self._at.items()))
            if at > now_ms:
                return
            del self._at[job_id]
            yield job_id
