"""Work that has so long and no longer: done in a child process, which is ended when the time is over.

The rule: what the work has told when its time is over counts, and nothing waits for a single step of it, however long
that takes. The child is a fork: it costs no start, and nothing that it does reaches this process but what it tells.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn

from replayer.clock import Clock

__all__ = ["last_told"]


def last_told(work: Callable[[], Iterator[bytes]], *, clock: Clock, within_ms: float) -> bytes | None:
    """The last line that `work` told in its time, without its newline; None where there was none.

    Call it while this process has one thread.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _tell(work, write)
    os.close(write)
    told = b""
    due = clock.ms() + within_ms
    try:
        with open(read, "rb", buffering=0) as lines, selectors.DefaultSelector() as ready:
            ready.register(lines, selectors.EVENT_READ)
            while (left := due - clock.ms()) > 0:
                data = lines.read(65536) if ready.select(left / 1000) else None
                if data == b"":
                    break
                told = (told + (data or b""))[-65536:]
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    whole = told.split(b"\n")[:-1]
    return whole[-1] if whole else None


def _tell(work: Callable[[], Iterator[bytes]], write: int) -> NoReturn:
    """The child's whole life."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the parent ends it
        with suppress(BrokenPipeError):  # the parent is gone
            for line in work():
                os.write(write, line + b"\n")
        status = 0
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)
