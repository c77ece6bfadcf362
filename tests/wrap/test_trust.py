"""Whom a wrapped program trusts."""

from __future__ import annotations

from pathlib import Path

import pytest

from replayer.errors import UnreadableError
from replayer.wrap.trust import bundle, extra


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_users_certificates_stay_beside_ours(tmp_path: Path) -> None:
    ca, mine, other = (written(tmp_path / name, name) for name in ("ca", "mine", "other"))
    user = {"SSL_CERT_FILE": str(mine), "REQUESTS_CA_BUNDLE": str(other), "NODE_EXTRA_CA_CERTS": str(other)}
    assert bundle(user, ca, tmp_path).read_text() == "mine\nother\nca\n"
    assert extra(user, ca, tmp_path).read_text() == "other\nca\n"


def test_without_a_word_of_the_users_everybody_is_trusted_as_before(tmp_path: Path) -> None:
    ca = written(tmp_path / "ca", "ours")
    text = bundle({}, ca, tmp_path).read_text()
    assert text.endswith("ours\n")
    assert text.count("BEGIN CERTIFICATE") > 50
    assert extra({}, ca, tmp_path).read_text() == "ours\n"


def test_certificates_that_cannot_be_read_are_an_error_that_names_them(tmp_path: Path) -> None:
    ca = written(tmp_path / "ca", "ours")
    with pytest.raises(UnreadableError, match=r"nowhere\.pem: certificates cannot be read"):
        bundle({"SSL_CERT_FILE": "nowhere.pem"}, ca, tmp_path)
