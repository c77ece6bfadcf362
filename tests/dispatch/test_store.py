from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from replayer.dispatch.job import Job, Status
from replayer.dispatch.ledger import Changes
from replayer.dispatch.messages import Mode
from replayer.dispatch.store import JobStore
from replayer.errors import LockedError, UnreadableError, WriteError


def job(job_id: str, **fields: object) -> Job:
    made = Job(id=job_id, mode=Mode.PERSISTED, payload=b'{"task":"t"}', created_at=1.5, arrival=1)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def saved(path: Path, *jobs: Job, session: str = "default") -> None:
    with closing(JobStore(path)) as store:
        store.write(session, Changes(jobs=jobs))


def loaded(path: Path) -> dict[str, list[Job]]:
    with closing(JobStore(path)) as store:
        return store.load()


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    whole = job(
        "a",
        wanted="c",
        config_id="c",
        status=Status.COMPLETED,
        fence=7,
        arrival=3,
        attempts=2,
        dispatches=3,
        worker_id="w",
        uploaded=b"1",
        progress=0.5,
        status_message="half",
        result=b'{"x":1}',
        error="e",
    )
    saved(tmp_path / "jobs.db", whole)
    assert loaded(tmp_path / "jobs.db") == {"default": [whole]}


def test_jobs_come_back_by_session_in_the_order_of_submission(tmp_path: Path) -> None:
    saved(tmp_path / "jobs.db", job("b", arrival=2), job("a", arrival=1))
    saved(tmp_path / "jobs.db", job("c"), session="other")
    found = loaded(tmp_path / "jobs.db")
    assert {name: [one.id for one in jobs] for name, jobs in found.items()} == {"default": ["a", "b"], "other": ["c"]}


def test_a_later_state_replaces_the_earlier_one_and_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    saved(path, job("a"), job("b"))
    with closing(JobStore(path)) as store:
        store.write("default", Changes(jobs=(job("a", status=Status.FAILED, error="no"),), forgotten=("b",)))
    (only,) = loaded(path)["default"]
    assert (only.id, only.status, only.error) == ("a", Status.FAILED, "no")


def test_a_session_can_be_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    saved(path, job("a"), session="mine")
    with closing(JobStore(path)) as store:
        store.forget_session("mine")
    assert loaded(path) == {}


def test_two_gateways_cannot_have_one_store(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with closing(JobStore(path)), pytest.raises(LockedError, match=r"another process has this job store open"):
        JobStore(path)
    JobStore(path).close()


def test_what_is_no_job_store_is_never_written_to(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("not a database, but long enough to be looked at\n" * 40)
    with closing(sqlite3.connect(other)) as database:
        database.execute("create table jobs (id)")
    before = text.read_bytes(), other.read_bytes()
    with pytest.raises(UnreadableError, match=r"notes\.txt: cannot be used as a job store"):
        JobStore(text)
    with pytest.raises(UnreadableError, match=r"some other database, not a job store"):
        JobStore(other)
    with pytest.raises(UnreadableError, match=r"is there such a folder"):
        JobStore(tmp_path / "missing" / "jobs.db")
    assert (text.read_bytes(), other.read_bytes()) == before


def test_a_write_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    saved(path, job("a"))
    with closing(JobStore(path)) as store, pytest.raises(WriteError, match=r"jobs\.db: "):
        store.write("default", Changes(jobs=(job("b"), job("c", fence=None)), forgotten=("a",)))
    assert [one.id for one in loaded(path)["default"]] == ["a"]
