"""`python -m replayer` is `replayer`."""

from __future__ import annotations

from replayer.cli import main

if __name__ == "__main__":
    main()
