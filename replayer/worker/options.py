"""How the simulated worker presents itself and how it works; checked before anything connects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from replayer.errors import UsageError

__all__ = ["Options", "Reconnect"]


class Reconnect(Enum):
    """What follows a connection that could not be made, or was lost."""

    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where to, who, and how; seconds."""

    url: str
    """`ws://host:port`, with a base path if need be; `/ws` is added to it, as the public SDK does."""
    worker_id: str
    config_id: str = "default"
    capacity: int = 1
    delay: float = 0.0
    """How long a job takes."""
    error_rate: float = 0.0
    """The share of jobs that fail, from 0 to 1."""
    token: str | None = None
    """Sent as Bearer, and nowhere else."""
    grace: float = 5.0
    """How long running jobs may take while it drains."""
    renew_every: float = 30.0
    """Between two renewals of the leases of running persisted jobs; the public SDK's is 30."""
    reconnect: Reconnect = Reconnect.ALWAYS

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            parts.port  # noqa: B018 (reading it checks it)
        except ValueError as error:
            raise UsageError(f"--url {self.url!r} is no URL: {error}") from None
        if parts.scheme not in ("ws", "wss"):
            wanted = {"http": "ws", "https": "wss"}.get(parts.scheme)
            meant = f"; did you mean {wanted + self.url[len(parts.scheme) :]!r}?" if wanted else ""
            raise UsageError(f"--url {self.url!r} has to begin with ws:// or wss://{meant}")
        if not parts.hostname:
            raise UsageError(f"--url {self.url!r} names no host: it looks like ws://127.0.0.1:8788")
