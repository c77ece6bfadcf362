"""What some tests need that may not be there, and why they are skipped without it.

In CI nothing that `.ci/run` installs may be missing: there these tests run, and fail.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

__all__ = ["BEFORE_VCRPY", "CORPUS", "FILES", "corpus", "linux", "mitmproxy"]

_IN_CI = "CI" in os.environ

CORPUS = Path(os.environ.get("REPLAYER_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
"""Real cassettes of other projects, which are not ours to distribute."""
FILES = sorted(path for path in CORPUS.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
BEFORE_VCRPY = {"old_cassette.yaml", "old_cassette.json", "gzip_httpx_old_format.yaml"}
"""vcrpy cannot read these itself: two of before its 1.0, one of its old layout for httpx."""

corpus = pytest.mark.skipif(
    not FILES,
    reason=f"no real cassettes at {CORPUS} (REPLAYER_CORPUS names them): other projects' files, not ours to give",
)
mitmproxy = pytest.mark.skipif(
    importlib.util.find_spec("mitmproxy") is None and not _IN_CI,
    reason="mitmproxy is not installed (pip install '.[record]'): the core is meant to be used and tested without it",
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="measures in /proc, which only Linux has")
