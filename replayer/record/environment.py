"""Which Python runs the recorder: this one if mitmproxy is there, else that of the recorder's own environment.

mitmproxy pins its dependencies from above and does not belong beside a user's test suite, so `--setup` makes a virtual
environment for it in the platform's data folder. This module finds it or makes it, and never imports mitmproxy.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from replayer import __version__
from replayer.errors import RecorderError

__all__ = ["child_environment", "confdir", "data_folder", "interpreter", "set_up"]


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where programs keep their data on this platform, and ours in it."""
    home = Path(environment.get("HOME") or Path.home())
    if sys.platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "replayer"


def confdir(environment: Mapping[str, str]) -> Path:
    """Where mitmproxy's CA is kept, one for all recordings of this user."""
    return data_folder(environment) / "ca"


def interpreter(environment: Mapping[str, str]) -> Path:
    """The Python that can run the recorder. Raises RecorderError that names the two ways to get one."""
    if importlib.util.find_spec("mitmproxy") is not None:
        return Path(sys.executable)
    own = _python(_folder(environment))
    if own.exists():
        return own
    raise RecorderError(
        "the recorder needs mitmproxy, which is not installed here. Either\n"
        "  replayer record --setup                      makes an environment of its own for it (recommended: what is\n"
        "                                               installed beside your tests stays as it is), or\n"
        '  pip install "replayer-proxy[record]"         installs it here'
    )


def set_up(environment: Mapping[str, str]) -> Path:
    """Make the recorder's environment, with this version of the program and mitmproxy; its Python.

    pip's output goes to stderr. Raises RecorderError where pip does not succeed; what was there before is replaced.
    """
    folder = _folder(environment)
    source = environment.get("REPLAYER_SETUP_FROM") or f"replayer-proxy[record]=={__version__}"
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(_python(folder)), "-m", "pip", "install", "--disable-pip-version-check", source],
    )
    for command in commands:
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode:
            raise RecorderError(f"the recorder's environment could not be made: {' '.join(command)} failed")
    return _python(folder)


def child_environment(python: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: the same interpreter imports this very program, wherever it was imported from."""
    child = dict(environment)
    if python == Path(sys.executable):
        here = str(Path(__file__).resolve().parents[2])
        child["PYTHONPATH"] = os.pathsep.join([here, *filter(None, [environment.get("PYTHONPATH")])])
    return child


def _folder(environment: Mapping[str, str]) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return data_folder(environment) / f"recorder-{__version__}-py{version}"


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
