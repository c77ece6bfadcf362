"""The load generator of dispatch: as `load`, but the answers are what a worker's completion becomes: compact JSON."""

from __future__ import annotations

import asyncio
import sys

import orjson

from tests.benchmarks.load import request_of, run
from tests.benchmarks.traffic import answered

DISTINCT = 100


def main() -> None:
    requests = [request_of(number) for number in range(DISTINCT)]
    answers = [orjson.dumps(orjson.loads(answered(number))) for number in range(DISTINCT)]
    for line in sys.stdin:
        port, count = map(int, line.split())
        print(asyncio.run(run(port, count, requests, answers, exact=True)), flush=True)  # noqa: T201 (its protocol)


if __name__ == "__main__":
    main()
