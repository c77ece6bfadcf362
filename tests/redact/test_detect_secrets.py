"""Against another scanner: whatever shape of a token detect-secrets finds, ours finds too.

Runs where it is installed (`pip install detect-secrets`). What is planted is made up, in the shape of the real.
"""

from __future__ import annotations

import json

import pytest

from replayer.cassette.model import Interaction, Request, Response
from replayer.redact.interactions import redacted
from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT
from replayer.redact.scan import Certainty, scan

REDACTOR = Redactor(DEFAULT)
LOWER, UPPER, MIXED = "k3v9x0q7w2m5t8b1z4c6", "K3V9X0Q7W2M5T8B1Z4C6", "k3V9x0Q7w2M5t8B1z4C6"
LONG = (MIXED * 5)[:96]
HEX = ("3f9a0c7e51b84d26" * 4)[:64]

SECRETS = {
    "Artifactory Credentials": [f"AKC{LONG[:70]}"],
    "AWS Access Key": [f"{kind}{UPPER[:16]}" for kind in ("AKIA", "ASIA", "ABIA", "ACCA", "A3TX")],
    "Azure Storage Account access key": [f"AccountKey={LONG[:86]}=="],
    "Discord Bot Token": [f"M{LONG[:23]}.{MIXED[:6]}.{LONG[:27]}", f"O{LONG[:25]}.{MIXED[:6]}.{LONG[:27]}"],
    "GitHub Token": [f"{kind}_{LONG[:36]}" for kind in ("ghp", "gho", "ghu", "ghs", "ghr")],
    "GitLab Token": [
        *(f"{kind}-{MIXED}" for kind in ("glpat", "gldt", "glft", "glsoat", "glrt", "glcbt-a1_")),
        f"GR1348941{MIXED}",
        f"glimt-{LONG[:25]}",
        f"glptt-{LONG[:40]}",
        f"glagent-{LONG[:50]}",
        f"gloas-{LONG[:64]}",
    ],
    "JSON Web Token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"],
    "Mailchimp Access Key": [f"{HEX[:32]}-us12"],
    "NPM tokens": [f"//registry.npmjs.org/:_authToken=npm_{LONG[:36]}"],
    "OpenAI Token": [f"sk-{MIXED}T3BlbkFJ{MIXED}", f"sk-proj-{MIXED}T3BlbkFJ{MIXED}"],
    "Private Key": [
        *(
            f"-----BEGIN {kind}PRIVATE KEY{tail}-----\n{LONG}\n-----END {kind}PRIVATE KEY{tail}-----"
            for kind, tail in (("", ""), ("RSA ", ""), ("EC ", ""), ("DSA ", ""), ("OPENSSH ", ""), ("PGP ", " BLOCK"))
        ),
        f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{LONG}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        f"PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n{LONG}\nPrivate-MAC: 12",
    ],
    "PyPI Token": [f"pypi-AgEIcHlwaS5vcmc{LONG}", f"pypi-AgENdGVzdC5weXBpLm9yZw{LONG}"],
    "SendGrid API Key": [f"SG.{LONG[:22]}.{LONG[:43]}"],
    "Slack Token": [
        *(f"xox{kind}-1234567890-{LOWER}" for kind in "abopsr"),
        f"https://hooks.slack.com/services/T{UPPER[:8]}/B{UPPER[:8]}/{LONG[:24]}",
    ],
    "Square OAuth Secret": [f"sq0csp-{LONG[:43]}"],
    "Stripe Access Key": [f"sk_live_{LONG[:24]}", f"rk_live_{LONG[:24]}"],
    "Telegram Bot Token": [f"110201543:{LONG[:35]}"],
    "Twilio API Key": [f"AC{HEX[:32]}", f"SK{HEX[:32]}", f"SK{(LOWER * 2)[:32]}"],
}
"""By the plugin that finds them: shapes that nothing but a token has."""
SUSPICIONS = {
    "Basic Auth Credentials": ["postgres://reader:Zr4TnX0vLk@db.internal/app"],
}
"""What documentation is full of, too."""


def found_by_detect_secrets(text: str) -> set[str]:
    scanning = pytest.importorskip("detect_secrets.core.scan", reason="pip install detect-secrets")
    settings = pytest.importorskip("detect_secrets.settings")
    with settings.default_settings():
        return {found.type for line in text.splitlines() for found in scanning.scan_line(line)}


def holding(text: str) -> Interaction:
    body = json.dumps({"content": f"here it is: {text} (keep it)"}).encode()
    headers = (("content-type", "application/json"),)
    return Interaction(
        request=Request(method="POST", uri="https://h/p", headers=headers, body=body),
        response=Response(status=200, headers=headers, body=f"{text}\n".encode()),
    )


def planted(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, secret) for kind, secrets in table.items() for secret in secrets]


@pytest.mark.parametrize(("kind", "secret"), planted({**SECRETS, **SUSPICIONS}))
def test_what_is_planted_is_what_detect_secrets_finds(kind: str, secret: str) -> None:
    assert kind in found_by_detect_secrets(secret)


@pytest.mark.parametrize(("kind", "secret"), planted(SECRETS))
def test_ours_finds_it_and_cleaning_takes_it_out(kind: str, secret: str) -> None:
    leaky = holding(secret)
    certain = {leak.place for leak in scan(leaky, REDACTOR) if leak.certainty is Certainty.SECRET}
    assert certain == {"request.body/content", "response.body"} or certain == {"request.body", "response.body"}
    clean = redacted(leaky, REDACTOR)
    assert [leak for leak in scan(clean, REDACTOR) if leak.certainty is Certainty.SECRET] == []
    assert json.loads(clean.request.body or b"")["content"].endswith("(keep it)")


@pytest.mark.parametrize(("kind", "secret"), planted(SUSPICIONS))
def test_what_might_be_one_is_a_suspicion(kind: str, secret: str) -> None:
    assert {leak.certainty for leak in scan(holding(secret), REDACTOR)} == {Certainty.SUSPICION}


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-" + LONG[:40],
        "AIza" + LONG[:35],
        "hf_" + LONG[:34],
        "gsk_" + LONG[:52],
        "xai-" + LONG[:60],
        "ek_" + LONG[:32],
        "glcbt-" + MIXED,
        "//registry.npmjs.org/:_authToken=3f9a0c7e-51b8-4d26-9a0c-7e51b84d263f",
    ],
)
def test_ours_finds_more_above_all_keys_of_model_providers(secret: str) -> None:
    assert {leak.certainty for leak in scan(holding(secret), REDACTOR)} == {Certainty.SECRET}
