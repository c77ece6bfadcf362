from __future__ import annotations

import os
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replayer.dispatch import messages
from replayer.dispatch.ids import Ids, uuid7
from replayer.dispatch.messages import Malformed, Mode
from replayer.dispatch.wire import encode, parse, parse_server, value_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda inner: st.lists(inner, max_size=3)
)
ANYTHING = st.dictionaries(
    st.sampled_from(
        ["type", "job_id", "worker_id", "config_id", "capacity", "fence_token", "result", "error", "payload"]
    ),
    st.sampled_from(["register", "job_result", "job_error", "job_progress", "job", "error", "w"]) | VALUES,
)


@pytest.mark.parametrize(
    "message",
    [
        messages.Register(worker_id="w", config_id="c", capacity=3),
        messages.JobResult(job_id="j", result=None, fence_token=2),
        messages.JobError(job_id="j", error="e"),
        messages.JobProgress(job_id="j", fence_token=78, status_message="processing"),
        messages.JobResultRef(job_id="j6", fence_token=7),
        messages.Drain(),
        messages.Pause(),
        messages.Resume(),
    ],
)
def test_what_a_worker_says_survives_its_text(message: messages.WorkerMessage) -> None:
    assert parse(encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        messages.Job(job_id="j", mode=Mode.PERSISTED, config_id="c", payload=b'{"a":[1]}', fence_token=3),
        messages.JobRevoked(job_id="j", reason="r"),
        messages.Error(message="Invalid JSON"),
    ],
)
def test_what_the_queue_says_survives_its_text(message: messages.ServerMessage) -> None:
    assert parse_server(encode(message)) == message


def test_a_job_has_its_six_keys_in_order() -> None:
    job = messages.Job(job_id="j", mode=Mode.TRANSIENT, config_id="c", payload=b'{"a":1}', fence_token=3)
    text = b'{"type":"job","job_id":"j","mode":"transient","config_id":"c","payload":{"a":1},"fence_token":3}'
    assert encode(job) == text


@pytest.mark.parametrize("value", [None, {"a": 1}])
@pytest.mark.parametrize("url", [None, "http://h/offload/t"])
def test_the_value_of_a_job_is_what_its_frame_says(value: Any, url: str | None) -> None:
    job = messages.Job(
        job_id="j",
        mode=Mode.TRANSIENT,
        config_id="c",
        payload=b'{"a":1}',
        fence_token=3,
        payload_url=url,
        result_upload_url=url,
        value=value,
    )
    frame = encode(job)
    assert repr(value_of(job, frame)) == repr(orjson.loads(frame))


def test_what_may_be_missing_has_its_default() -> None:
    assert parse('{"type":"job_result","job_id":"j"}') == messages.JobResult(job_id="j", result={}, fence_token=0)
    assert parse('{"type":"job_error","job_id":"j"}') == messages.JobError(job_id="j", error="Unknown error")
    assert parse('{"type":"register","worker_id":"w","config_id":"c"}') == messages.Register(
        worker_id="w", config_id="c", capacity=1
    )


def test_a_malformed_message_says_where() -> None:
    said = parse('{"type":"job_progress","job_id":"j","progress":"half"}')
    why = "job_progress: progress has to be a number, not 'half'"
    assert said == Malformed(what="job_progress", why=why, pointer="/progress")


@settings(suppress_health_check=[HealthCheck.too_slow])  # what is drawn is large, and the machine may be busy
@given(ANYTHING)
def test_no_frame_raises(keys: dict[str, Any]) -> None:
    text = orjson.dumps(keys)
    for read in (parse, parse_server):
        assert read(text) is not None


@given(st.binary())
def test_no_bytes_raise(text: bytes) -> None:
    assert parse(text) is not None


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_sorts_by_its_time(unix_ms: int, random: bytes) -> None:
    made = uuid.UUID(uuid7(unix_ms, random))
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, unix_ms)


def test_ids_are_all_different_and_each_has_the_time_of_its_making() -> None:
    ids = Ids(os.urandom)
    times = [1_700_000_000_000 + count // 3 for count in range(200)]
    made = [ids.next(time) for time in times]
    assert len(set(made)) == 200
    assert [uuid.UUID(one).int >> 80 for one in made] == times
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in made} == {(7, uuid.RFC_4122)}
