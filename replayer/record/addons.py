"""What of mitmproxy a recorder runs: its master, and five of its addons.

The rule: the package in which addons live imports every tool of mitmproxy's as soon as it is imported itself: a third
of the time that a recorder takes to start, and a fifth of its memory. So its modules are imported, and it is not.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

import mitmproxy

_PACKAGE = "mitmproxy.addons"


def _without_running(name: str) -> None:
    """Make a package known whose modules can be imported, although its own code has not run."""
    spec = find_spec(name)
    if spec is not None:  # else importing from it says so
        sys.modules[name] = mitmproxy.addons = module_from_spec(spec)


if _PACKAGE not in sys.modules:
    _without_running(_PACKAGE)

from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, tlsconfig  # noqa: E402 (see above)
from mitmproxy.master import Master  # noqa: E402 (it imports the package)

__all__ = ["Master", "core", "disable_h2c", "next_layer", "proxyserver", "tlsconfig"]
