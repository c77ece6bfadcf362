"""The house: imports point one way, and starting `replayer replay` imports no more than it needs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "replayer"

GROUND, CORE, SHELL, SERVICE, SURFACE = range(5)
LEVELS = {
    # Ground and nouns: what everybody may know.
    "replayer": GROUND,
    "replayer.errors": GROUND,
    "replayer.clock": GROUND,
    "replayer.bundled": GROUND,
    "replayer.config": GROUND,
    "replayer.journal": GROUND,
    "replayer.problem": GROUND,
    "replayer.cassette": GROUND,
    # The pure core.
    "replayer.match": CORE,
    "replayer.redact": CORE,
    "replayer.faults": CORE,
    "replayer.contract": CORE,
    "replayer.dispatch": CORE,
    "replayer.record.assemble": CORE,
    "replayer.record.events": CORE,
    "replayer.record.naming": CORE,
    # Shells: sockets, files, processes.
    "replayer.cassette.store": SHELL,
    "replayer.cassette.appender": SHELL,
    "replayer.cassette.tail": SHELL,
    "replayer.cassette.folder": SHELL,
    "replayer.cassette.lines": SHELL,
    "replayer.cassette.atomic": SHELL,
    "replayer.contract.ask": SHELL,
    "replayer.contract.registry": SHELL,
    "replayer.contract.plain": SHELL,
    "replayer.dispatch.server": SHELL,
    "replayer.dispatch.store": SHELL,
    "replayer.dispatch.desk": SHELL,
    "replayer.dispatch.frames": SHELL,
    "replayer.dispatch.watch": SHELL,
    "replayer.dispatch.routes": SHELL,
    "replayer.dispatch.connection": SHELL,
    "replayer.record": SHELL,
    "replayer.wrap": SHELL,
    "replayer.wrap.environment": CORE,
    "replayer.wrap.program": CORE,
    "replayer.gateway": SHELL,
    "replayer.control": SHELL,
    "replayer.report": SHELL,
    # Where the rooms meet.
    "replayer.service": SERVICE,
    "replayer.source": SERVICE,
    "replayer.stock": SERVICE,
    "replayer.episodes": SERVICE,
    "replayer.listening": SERVICE,
    "replayer.steering": SERVICE,
    "replayer.watch": SERVICE,
    "replayer.live": SERVICE,
    "replayer.run": SERVICE,
    "replayer.inputs": SERVICE,
    "replayer.afterwards": SERVICE,
    "replayer.bounded": SERVICE,
    "replayer.rewrite": SERVICE,
    # What users touch.
    "replayer.worker": SURFACE,
    "replayer.demo": SURFACE,
    "replayer.cli": SURFACE,
    "replayer.__main__": SURFACE,
}
ONLY_IN = {
    "mitmproxy": ("replayer.record",),
    "click": ("replayer.cli",),
    "vcr": ("replayer.cassette.vcrpy", "replayer.cli.verify"),
}
IMPURE = frozenset({"asyncio", "socket", "aiohttp", "time", "pathlib", "os", "tempfile", "subprocess", "threading"})
UNWANTED_AT_START = (
    "mitmproxy",
    "vcr",
    "jsonschema",
    "rich",
    "hypothesis",
    "pytest",
    "openai",
    "requests",
)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(TOP).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it; `from a import b` is `a.b` too where that is a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            yield module
            for name in node.names:
                below = PACKAGE.parent.joinpath(*module.split("."), name.name)
                if below.with_suffix(".py").is_file() or below.is_dir():
                    yield f"{module}.{name.name}"


def level(module: str) -> int:
    while module not in LEVELS:
        module, dot, _ = module.rpartition(".")
        assert dot, f"{module} has no place in the house"
    return LEVELS[module]


def room(module: str) -> str:
    """The room that a shell belongs to; its own files may import each other."""
    return module.split(".")[1] if module.count(".") else ""


ALL = dict(modules())


@pytest.mark.parametrize("module", ALL)
def test_imports_point_one_way(module: str) -> None:
    wrong = [
        name
        for name in imported(ALL[module])
        if name.split(".")[0] == "replayer" and name != "replayer" and level(name) > level(module)
    ]
    assert not wrong, f"{module} imports upwards: {wrong}"


@pytest.mark.parametrize("module", [module for module in ALL if level(module) == SHELL])
def test_shells_do_not_import_each_other(module: str) -> None:
    wrong = [
        name
        for name in imported(ALL[module])
        if name.startswith("replayer.")
        and level(name) == SHELL
        and room(name) != room(module)
        # The recorder process is its own wiring: it hands the recording the one writer that there is.
        and not (module == "replayer.record.__main__" and name.startswith("replayer.cassette"))
    ]
    assert not wrong, f"{module} imports another shell: {wrong}"


@pytest.mark.parametrize("module", [module for module in ALL if level(module) == CORE])
def test_the_core_knows_no_sockets_files_or_time(module: str) -> None:
    wrong = [name for name in imported(ALL[module]) if name.split(".")[0] in IMPURE]
    assert not wrong, f"{module} is in the pure core and imports {wrong}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_some_libraries_stay_in_their_room(library: str) -> None:
    allowed = ONLY_IN[library]
    wrong = [
        module
        for module, path in ALL.items()
        if not module.startswith(allowed) and any(name.split(".")[0] == library for name in imported(path))
    ]
    assert not wrong, f"{library} is imported by {wrong}, and belongs into {allowed}"


def test_starting_replay_imports_only_what_it_needs() -> None:
    program = (
        "import json, os, sys, threading, signal, urllib.request\n"
        "from replayer.cli import replay\n"
        "def stop(line):\n"
        "    urllib.request.urlopen(line.split()[-1] + '/health').read()\n"
        "    print(json.dumps(sorted(sys.modules)), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "said = replay._say\n"
        "def say(line):\n"
        "    said(line)\n"
        "    threading.Thread(target=stop, args=(line,)).start()\n"
        "replay._say = say\n"
        "replay.command(['casola', '--port', '0'])\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, cwd=TOP)
    assert finished.returncode == 0, finished.stderr
    loaded = {name.split(".")[0] for name in json.loads(finished.stdout.splitlines()[1])}
    assert "replayer" in loaded
    assert loaded.isdisjoint(UNWANTED_AT_START)
