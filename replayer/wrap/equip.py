"""What a wrapped program needs beside base URLs: trust in an authority of ours, and a proxy for everything.

The rule: it holds for as long as the program runs; the files that it needs go with the stack that they were given to.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

from replayer.wrap import trust
from replayer.wrap.environment import Environment

__all__ = ["equip"]


def equip(environment: Environment, stack: ExitStack, *, authority: Path | None, proxy: str | None) -> None:
    """Let the program trust `authority` (a PEM file) beside its own, and go through `proxy` (a URL).

    Raises UnreadableError for certificates that the user's variables name and nobody can read.
    """
    if authority is not None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="replayer-")))
        bundle = trust.bundle(os.environ, authority, folder)
        environment.trust(bundle=str(bundle), ca=str(trust.extra(os.environ, authority, folder)))
    if proxy is not None:
        preload = stack.enter_context(as_file(files("replayer.wrap").joinpath("preload.cjs")))
        environment.forward(proxy, preload=str(preload))
