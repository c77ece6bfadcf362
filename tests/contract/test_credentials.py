from __future__ import annotations

import pytest

from replayer.cassette.model import Request
from replayer.contract.credentials import CannotSend, authorized
from replayer.errors import UsageError

KEYS = {"OPENAI_API_KEY": "sk-real", "QUEUE_API_KEY": "q-real", "GEMINI_API_KEY": "g/real"}


def asked(uri: str, *fields: tuple[str, str], body: bytes | None = None) -> Request:
    return Request(method="POST", uri=uri, headers=fields, body=body)


@pytest.mark.parametrize("recorded", ["[REDACTED]", "Bearer [REDACTED]"])
def test_a_redacted_credential_comes_from_the_provider_s_variable(recorded: str) -> None:
    request = asked("https://api.openai.com/v1/x", ("Authorization", recorded), ("cookie", "a=[REDACTED]"))
    assert authorized(request, upstream=None, environment=KEYS).headers == (("Authorization", "Bearer sk-real"),)


def test_an_upstream_that_the_user_named_has_a_variable_of_its_own() -> None:
    request = asked("http://127.0.0.1:9/x", ("x-api-key", "[REDACTED]"))
    assert authorized(request, upstream="queue", environment=KEYS).headers == (("x-api-key", "q-real"),)


def test_a_key_in_the_query_is_put_back_there() -> None:
    request = asked("https://generativelanguage.googleapis.com/v1beta/models?key=[REDACTED]")
    assert authorized(request, upstream=None, environment=KEYS).uri.endswith("?key=g%2Freal")


def test_a_provider_s_key_never_goes_out_in_plain_text_or_elsewhere() -> None:
    for uri in ("http://api.openai.com/v1/x", "https://api.openai.com.evil.example/v1/x"):
        with pytest.raises(UsageError, match="--upstream NAME="):
            authorized(asked(uri, ("authorization", "[REDACTED]")), upstream=None, environment=KEYS)


def test_a_variable_that_is_not_set_is_named() -> None:
    request = asked("https://api.anthropic.com/v1/messages", ("x-api-key", "[REDACTED]"))
    with pytest.raises(UsageError, match="set ANTHROPIC_API_KEY"):
        authorized(request, upstream=None, environment=KEYS)


@pytest.mark.parametrize(
    "request_",
    [
        asked("https://api.openai.com/v1/x", body=b'{"password":"[REDACTED]"}'),
        asked("https://api.openai.com/v1/[REDACTED]"),
        asked("https://api.openai.com/v1/x", ("x-custom", "[REDACTED]")),
    ],
)
def test_what_else_was_redacted_cannot_be_sent(request_: Request) -> None:
    with pytest.raises(CannotSend):
        authorized(request_, upstream=None, environment=KEYS)


def test_a_request_without_secrets_is_sent_as_it_is() -> None:
    request = asked("http://a.example/x", ("accept", "*/*"))
    assert authorized(request, upstream=None, environment={}) == request
