"""`python -m tests.fuzz NAME [--seconds N] [--corpus FOLDER]`: bytes that a fuzzer grows, until something breaks.

Needs atheris (`pip install atheris`); what it finds is printed and kept in the current folder, and becomes an ordinary
test. Begins with the seeds of the target, and with the cassettes that REPLAYER_CORPUS names.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import seeds

_LONGEST_SEED = 20_000


def main() -> int:
    try:
        import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # not installed by default
    except ImportError:
        print("fuzzing needs atheris: pip install atheris", file=sys.stderr)  # noqa: T201 (a command)
        return 2
    with atheris.instrument_imports(include=["replayer"]):
        from tests.fuzz.targets import TARGETS
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz")
    arguments.add_argument("name", choices=TARGETS)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--corpus", type=Path, help="keep what the fuzzer grows, and go on from there")
    asked = arguments.parse_args()
    folder = asked.corpus or Path(tempfile.mkdtemp(prefix="replayer-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(asked.name, os.environ.get("REPLAYER_CORPUS"))):
        if len(seed) <= _LONGEST_SEED:
            (folder / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={asked.seconds}", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(folder)], TARGETS[asked.name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
