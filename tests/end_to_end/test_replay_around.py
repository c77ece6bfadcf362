"""`replayer replay … -- COMMAND`: the program's environment, its exit status, and what the run says of itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from replayer.cassette.codec import Layout, encode
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response

TOP = Path(__file__).parents[2]
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "GOOGLE_API_KEY")
ASK = """
import os, sys, urllib.error, urllib.request
for variable, path in (one.split("+") for one in sys.argv[2:]):
    try:
        print(urllib.request.urlopen(os.environ[variable] + path).read().decode())
    except urllib.error.HTTPError as error:
        print(error.code)
raise SystemExit(int(sys.argv[1]))
"""


def cassette(folder: Path, *uris: str, **upstreams: str) -> Path:
    made = Cassette(
        interactions=tuple(
            Interaction(
                request=Request(method="GET", uri=uri),
                response=Response(
                    status=200,
                    headers=(("content-type", "text/plain"),),
                    body=f"answer {number}".encode(),
                    at=float(number),
                ),
            )
            for number, uri in enumerate(uris)
        ),
        metadata=Metadata(origin=Origin.RECORDED, upstreams=upstreams),
    )
    path = folder / "recorded.yaml"
    path.write_bytes(encode(made, Layout.BLOCK))
    return path


async def replayed(path: Path, *program: str, options: tuple[str, ...] = (), **more: str) -> tuple[int, str, str]:
    """The status, stdout and stderr of a run around a program."""
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "replayer", "replay", str(path), "--port", "0", *options, "--", *program),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=TOP,
        env={**environment, **more},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def asking(status: int, *what: str) -> tuple[str, ...]:
    return (sys.executable, "-c", ASK, str(status), *what)


OPENAI = "https://api.openai.com/v1/models"


async def test_a_program_is_answered_and_its_stdout_is_its_own(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI, openai="https://api.openai.com")
    status, out, err = await replayed(path, *asking(0, "OPENAI_BASE_URL+/models"))
    assert (status, out) == (0, "answer 0\n"), err
    assert "listening on http://127.0.0.1:" in err
    assert "1 requests: 1 hit" in err
    assert "1 of 1 interactions played" in err


async def test_its_own_failure_passes_through(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI)
    assert (await replayed(path, *asking(7, "OPENAI_BASE_URL+/missing")))[0] == 7
    killed = (sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    assert (await replayed(path, *killed))[0] == 137


async def test_a_miss_fails_the_run_unless_it_may_not(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI)
    status, out, err = await replayed(path, *asking(0, "OPENAI_BASE_URL+/missing"))
    assert (status, out) == (1, "424\n")
    assert "did not hold: miss" in err
    options = ("--fail-on", "none")
    assert (await replayed(path, *asking(0, "OPENAI_BASE_URL+/missing"), options=options))[0] == 0


async def test_nothing_repeats_unless_it_is_asked_to(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI)
    twice = asking(0, "OPENAI_BASE_URL+/models", "OPENAI_BASE_URL+/models")
    assert (await replayed(path, *twice))[:2] == (1, "answer 0\n424\n")
    assert (await replayed(path, *twice, options=("--repeat", "last")))[:2] == (0, "answer 0\nanswer 0\n")


async def test_unused_interactions_fail_the_run_where_that_is_asked(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI, OPENAI + "/more")
    status, _, err = await replayed(path, *asking(0, "OPENAI_BASE_URL+/models"), options=("--fail-on", "unused"))
    assert status == 1
    assert "never played: recorded.yaml#1" in err


async def test_a_program_that_asks_for_nothing_is_3(tmp_path: Path) -> None:
    assert (await replayed(cassette(tmp_path, OPENAI), "true"))[0] == 3


async def test_a_program_that_is_not_there_is_2(tmp_path: Path) -> None:
    status, _, err = await replayed(cassette(tmp_path, OPENAI), "no-such-program")
    assert status == 2
    assert "-- no-such-program: cannot be run" in err
    assert "Traceback" not in err


async def test_every_known_client_comes_here_and_has_a_key_and_what_the_user_set_stays(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI)
    program = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    _, out, err = await replayed(path, *program, ANTHROPIC_BASE_URL="https://mine.example", OPENAI_API_KEY="my key")
    seen = json.loads(out)
    base = seen["GOOGLE_GEMINI_BASE_URL"]
    assert seen["OPENAI_BASE_URL"] == f"{base}/v1"
    assert seen["CASOLA_WS_URL"] == base.replace("http", "ws")
    assert seen["ANTHROPIC_BASE_URL"] == "https://mine.example"
    assert "ANTHROPIC_BASE_URL is set by you and left alone" in err
    assert seen["OPENAI_API_KEY"] == "my key"
    assert seen["GEMINI_API_KEY"]
    assert seen["ANTHROPIC_API_KEY"]


@pytest.mark.parametrize("several", [False, True])
async def test_any_variable_can_be_pointed_at_any_upstream(tmp_path: Path, several: bool) -> None:
    upstreams = {"mine": "https://mine.example/base", **({"other": "https://other.example"} if several else {})}
    path = cassette(tmp_path, "https://mine.example/base/x", "https://other.example/x", **upstreams)
    options = ("--env", "MY_BASE=mine")
    assert (await replayed(path, *asking(0, "MY_BASE+/x"), options=options))[:2] == (0, "answer 0\n")


async def test_dashes_without_a_program_and_env_without_one_are_2(tmp_path: Path) -> None:
    path = cassette(tmp_path, OPENAI)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "replayer", "replay", str(path), "--env", "X=mine"),
        stderr=asyncio.subprocess.PIPE,
        cwd=TOP,
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"give one behind --" in err
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "replayer", "replay", str(path), "--"), stderr=asyncio.subprocess.PIPE, cwd=TOP
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"behind -- stands the program to run" in err
