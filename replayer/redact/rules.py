"""What counts as a secret: names that announce one, and shapes that known tokens have. A user's own are added to these.

The defaults are safe rather than sparing. A rule is data; `find.py` looks for it and `redactor.py` takes it out. Known
token shapes begin with a literal, so that a body without that literal costs one search for it and nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from replayer.match.jsonpath import JsonPath

__all__ = ["DEFAULT", "Rules", "TokenShape"]


@dataclass(frozen=True, slots=True)
class TokenShape:
    """A provider's token: it begins with `literal`, `pattern` is the whole of it (at most 4 KiB before it is sure)."""

    literal: bytes
    pattern: re.Pattern[bytes]
    begins: re.Pattern[bytes]
    """What must stand at its first byte, the bytes before included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Names are in lower case and are compared so, except JSON fields, which are case-sensitive as JSON is."""

    headers: frozenset[str]
    """Header fields whose whole value is taken out."""
    cookie_headers: frozenset[str]
    """Header fields that are cookies: names stay, values go."""
    query: frozenset[str]
    json_fields: frozenset[str]
    """Fields of a JSON body, at any depth, whose string or number is taken out."""
    shapes: tuple[TokenShape, ...]
    form: frozenset[str] = frozenset()
    """Fields of a form; those of `query` count there too."""
    paths: tuple[JsonPath, ...] = ()
    """Places of JSON documents, whatever stands there."""
    patterns: tuple[re.Pattern[bytes], ...] = ()
    """Regular expressions over single lines."""


# The character before may not belong to a word, or "task-force-…" would be a key; but it may end an escape sequence of
# JSON (`\n`, `\u0020`) or of a URL (`%20`).
_BEGINNING = rb"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"


_BEGINS = re.compile(_BEGINNING)


def _shape(literal: str, rest: str) -> TokenShape:
    pattern = re.compile(_BEGINNING + re.escape(literal.encode()) + rest.encode())
    return TokenShape(literal.encode(), pattern, _BEGINS)


DEFAULT = Rules(
    headers=frozenset(
        {
            "api-key",
            "apikey",
            "authorization",
            "openai-organization",
            "openai-project",
            "anthropic-organization-id",
            "proxy-authorization",
            "x-amz-security-token",
            "x-api-key",
            "x-auth-token",
            "x-csrf-token",
            "x-goog-api-key",
            "x-goog-user-project",
            "x-replayer-token",
        }
    ),
    cookie_headers=frozenset({"cookie", "set-cookie"}),
    query=frozenset(
        {
            "access_token",
            "api-key",
            "api_key",
            "apikey",
            "auth",
            "client_secret",
            "code_verifier",
            "id_token",
            "key",
            "password",
            "refresh_token",
            "secret",
            "sig",
            "signature",
            "token",
            "x-amz-credential",
            "x-amz-security-token",
            "x-amz-signature",
            "x-api-key",
            "x-goog-credential",
            "x-goog-signature",
        }
    ),
    form=frozenset({"assertion", "client_assertion", "code", "passwd", "pin", "pwd", "secret_key"}),
    # Not "token": it is the text of a token in logprobs.
    json_fields=frozenset(
        {
            "access_token",
            "accessToken",
            "api_key",
            "apiKey",
            "apikey",
            "authorization",
            "Authorization",
            "client_secret",
            "clientSecret",
            "id_token",
            "password",
            "private_key",
            "refresh_token",
            "refreshToken",
            "secret_key",
            "x-api-key",
        }
    ),
    shapes=(
        _shape("sk-", r"[A-Za-z0-9_\-]{16,}"),  # OpenAI, Anthropic (sk-ant-), OpenRouter, DeepSeek, …
        _shape("sk_live_", r"[A-Za-z0-9]{16,}"),
        _shape("sk_test_", r"[A-Za-z0-9]{16,}"),
        _shape("rk_live_", r"[A-Za-z0-9]{16,}"),
        _shape("ek_", r"[A-Za-z0-9]{24,}"),  # OpenAI's ephemeral keys
        _shape("AIza", r"[A-Za-z0-9_\-]{30,}"),
        _shape("ya29.", r"[A-Za-z0-9_\-]{20,}"),
        _shape("ghp_", r"[A-Za-z0-9_]{30,}"),
        _shape("gho_", r"[A-Za-z0-9_]{30,}"),
        _shape("ghu_", r"[A-Za-z0-9_]{30,}"),
        _shape("ghs_", r"[A-Za-z0-9_]{30,}"),
        _shape("ghr_", r"[A-Za-z0-9_]{30,}"),
        _shape("github_pat_", r"[A-Za-z0-9_]{22,}"),
        _shape("glpat-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("gldt-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glft-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glsoat-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glrt-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glcbt-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glimt-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glptt-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("glagent-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("gloas-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("GR1348941", r"[A-Za-z0-9_\-]{20,}"),
        _shape("hf_", r"[A-Za-z0-9]{30,}"),
        _shape("gsk_", r"[A-Za-z0-9]{30,}"),
        _shape("xai-", r"[A-Za-z0-9]{30,}"),
        _shape("pplx-", r"[A-Za-z0-9]{30,}"),
        _shape("r8_", r"[A-Za-z0-9]{30,}"),
        _shape("npm_", r"[A-Za-z0-9]{30,}"),
        _shape("pypi-", r"[A-Za-z0-9_\-]{40,}"),
        _shape("xox", r"[abeoprs]-[A-Za-z0-9\-]{10,}"),
        _shape("xapp-", r"[A-Za-z0-9\-]{20,}"),
        _shape("AKIA", r"[A-Z0-9]{16}"),
        _shape("ASIA", r"[A-Z0-9]{16}"),
        _shape("ABIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _shape("ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _shape(":_authToken=", r"[A-Za-z0-9_\-]{16,}"),  # .npmrc
        _shape("SG.", r"[A-Za-z0-9_\-]{16,64}\.[A-Za-z0-9_\-]{16,}"),
        _shape("AKC", r"[A-Za-z0-9]{20,}"),  # Artifactory
        _shape("AccountKey=", r"[A-Za-z0-9+/]{86}=="),  # Azure storage
        _shape("SK", r"[0-9a-f]{32}(?![A-Za-z0-9])"),  # Twilio
        _shape("bot", r"[0-9]{8,10}:[A-Za-z0-9_\-]{35}"),  # Telegram
        _shape("dop_v1_", r"[0-9a-f]{40,}"),
        _shape("dapi", r"[0-9a-f]{32}"),
        _shape("hooks.slack.com/services/", r"[A-Za-z0-9/]{20,}"),
        _shape("lsv2_", r"[A-Za-z0-9_]{30,}"),
        _shape("nvapi-", r"[A-Za-z0-9_\-]{30,}"),
        _shape("sq0csp-", r"[A-Za-z0-9_\-]{20,}"),
        _shape("tgp_v1_", r"[A-Za-z0-9_\-]{30,}"),
        # A JSON Web Token: two parts make it sure, the signature follows.
        _shape("eyJ", r"[A-Za-z0-9_\-]{8,2000}\.eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"),
    ),
)
