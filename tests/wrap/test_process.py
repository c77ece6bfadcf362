"""A wrapped program as a process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from replayer.errors import UsageError
from replayer.wrap.process import started


async def test_its_status_is_its_own() -> None:
    process = await started([sys.executable, "-c", "raise SystemExit(7)"], os.environ)
    assert await process.wait() == 7


async def test_a_program_that_a_signal_ended_says_so_as_a_shell_does() -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    process = await started([sys.executable, "-c", program], os.environ)
    assert await process.wait() == 128 + signal.SIGKILL


async def test_signals_are_passed_on() -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "os.write(1, b'!')\n"
        "signal.pause()\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRAPPER, sys.executable, "-c", program), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readexactly(1) == b"!"
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 9


WRAPPER = """
import asyncio, os, sys
from replayer.wrap.process import started

async def main():
    process = await started(sys.argv[1:], os.environ)
    with process.signalled():
        return await process.wait()

sys.exit(asyncio.run(main()))
"""


async def test_a_program_that_is_not_there_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="-- no-such-program: cannot be run: No such file"):
        await started(["no-such-program"], os.environ)


async def test_it_is_known_whether_somebody_asked_for_its_end() -> None:
    program = [sys.executable, "-c", "input()"]
    for told in (True, False):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", TELLING, *program), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"started\n"
        if told:
            process.send_signal(signal.SIGTERM)
        out, _ = await process.communicate(b"\n")
        assert out == f"{128 + signal.SIGTERM if told else 0} {told}\n".encode()


TELLING = """
import asyncio, os, sys
from replayer.wrap.process import started

async def main():
    process = await started(sys.argv[1:], os.environ)
    with process.signalled():
        print("started", flush=True)
        print(*await process.ended())

asyncio.run(main())
"""
