"""Misbehaviours of leaving, on SIGTERM."""

from __future__ import annotations

from replayer.worker.conduct import Conduct

__all__ = ["LEAVING"]


class NoDrain(Conduct):
    """leaves on SIGTERM without drain"""

    name = "no-drain"
    drains = False


class DropsOnDrain(Conduct):
    """leaves on SIGTERM without answering what runs"""

    name = "drops-on-drain"
    finishes = False


class AbruptLeave(Conduct):
    """leaves on SIGTERM without a close frame"""

    name = "abrupt-leave"
    close_code = None


class BadExit(Conduct):
    """ends with status 1 after SIGTERM"""

    name = "bad-exit"
    exit_status = 1


class PauseAfterDrain(Conduct):
    """says pause after drain"""

    name = "pause-after-drain"
    after_drain = b'{"type":"pause"}'


LEAVING: tuple[type[Conduct], ...] = (
    NoDrain,
    DropsOnDrain,
    AbruptLeave,
    BadExit,
    PauseAfterDrain,
)
