from __future__ import annotations

import pytest

from replayer.contract.template import template_of


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/models/gpt-4o-2024-08-06", "/v1/models/{model_id}"),
        ("/v1beta/models/gemini-1.5-flash:generateContent", "/v1beta/models/gemini-1.5-flash:generateContent"),
        ("/jobs/8b1c9f6e-1d2f-4d0e-9a38-0f6a6a6d1c11", "/jobs/{job_id}"),
        ("/files/file-abc123DEF456/content", "/files/{file_id}/content"),
        ("/v1/42", "/v1/{id}"),
        ("/users/1/posts/2", "/users/{user_id}/posts/{post_id}"),
        ("/users/1/2/3", "/users/{user_id}/{user_id2}/{user_id3}"),
        ("/keys/[REDACTED]", "/keys/{key_id}"),
        ("//ws", "/ws"),
        ("/odd/{x}", "/odd/%7Bx%7D"),
        ("", "/"),
    ],
)
def test_ids_become_variables_that_are_named_after_what_is_before_them(path: str, template: str) -> None:
    assert template_of(path) == template
