"""Which values of the environment are secrets: by the names of their variables, and by what stands in a URL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

__all__ = ["SHORTEST_VALUE", "looks_secret", "secret_values"]

SHORTEST_VALUE = 12
"""Values of the environment below this many characters are not looked for: they would match ordinary words."""
SHORTEST_NAMED = 4
"""Below this many characters not even those of a variable that was named."""

_SECRET_WORDS = frozenset(
    [
        "apikey",
        "auth",
        "authorization",
        "connectionstring",
        "cookie",
        "credential",
        "credentials",
        "dsn",
        "jwt",
        "key",
        "keys",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "pat",
        "pw",
        "pwd",
        "sas",
        "secret",
        "secrets",
        "signature",
        "token",
        "tokens",
    ]
)
_PATH = re.compile(r"(?:[/~.]|[A-Za-z]:[\\/])")


def secret_values(
    environment: Mapping[str, str], named: Iterable[str] = (), kept: Iterable[str] = ()
) -> tuple[str, ...]:
    """The values of secret-looking variables, longest first, each once; those of 12 characters or more.

    A variable looks secret by a word of its name (`OPENAI_API_KEY`, `dbPassword`); a password inside a URL counts
    whatever the variable's name. File paths, and URLs without a password, are not secrets. The values of `named`
    variables always are, from four characters on; those of `kept` ones never.
    """
    found: set[str] = set()
    wanted, spared = set(named), set(kept)
    for name, value in environment.items():
        stripped = value.strip().strip("\"'")
        if name in spared:
            continue
        if name in wanted:
            found.update(text for text in (value, stripped) if len(text) >= SHORTEST_NAMED)
        elif "://" in stripped:
            found.update(text for text in _passwords(stripped) if len(text) >= SHORTEST_VALUE)
        elif looks_secret(name) and not _PATH.match(stripped) and len(stripped) >= SHORTEST_VALUE:
            found.add(stripped)
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def looks_secret(name: str) -> bool:
    """Whether a word of the name announces a secret."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return not _SECRET_WORDS.isdisjoint(re.split(r"[^a-z0-9]+", words))


def _passwords(url: str) -> Iterable[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return ()
    return {password, unquote(password)} if password else ()
