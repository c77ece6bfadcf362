"""Reports to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from replayer.errors import ExitStatus
from replayer.report.report import Report, Result, Status

__all__ = ["made"]


@pytest.fixture
def made() -> Callable[..., Report]:
    """A factory: a report of results, each given by what differs from a plain failure."""

    def make(*results: dict[str, Any], **parts: Any) -> Report:
        plain: dict[str, Any] = {"name": "a thing", "status": Status.FAILED}
        told = tuple(Result(**(plain | result)) for result in results)
        defaults: dict[str, Any] = {"command": "verify", "status": ExitStatus.HELD, "summary": ("that was it",)}
        return Report(results=told, **(defaults | parts))

    return make
