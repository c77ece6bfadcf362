"""`python -m tests.benchmarks NAME`: measures, as ratios within one run, and prints them beside their bars.

Status 1 where a bar is not met. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import importlib
import sys

NAMES = ("contract", "dispatch", "jobs", "kill-record", "record", "replay", "start")


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        print(f"usage: python -m tests.benchmarks {'|'.join(NAMES)}", file=sys.stderr)  # noqa: T201 (a command)
        return 2
    held: bool = importlib.import_module(f"tests.benchmarks.{sys.argv[1].replace('-', '_')}").main()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
