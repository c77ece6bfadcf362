"""`replayer worker`: a check of workers, and a small worker to try a queue with."""

from __future__ import annotations

import click

from replayer.cli.worker_check import check
from replayer.cli.worker_simulate import simulate

__all__ = ["command"]


@click.group("worker")
def command() -> None:
    """Workers: programs that connect to a queue and work on its jobs."""


command.add_command(check)
command.add_command(simulate)
