"""The job store: persisted jobs in an SQLite file, so that a killed gateway loses none.

The rule: what a caller or a worker is told was written before, in one transaction for each event. The file is in WAL
mode, which a killed process cannot tear; against a power cut the last transactions are not secured (`synchronous` is
NORMAL, so that a commit costs microseconds and not a disk's turn). One gateway at a time: the file is locked for as
long as it is open. Knows jobs, no queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from replayer.dispatch.job import Job, Status
from replayer.dispatch.ledger import Changes
from replayer.dispatch.messages import Mode
from replayer.errors import LockedError, UnreadableError, WriteError

__all__ = ["JobStore"]

_APPLICATION = 0x7265706C  # "repl": tells our files from other programs' (SQLite's pragma application_id)
_VERSION = 1
_FIXED = ("id", "session", "arrival", "payload", "created_at", "wanted", "config_id")
_MOVING = (
    "status",
    "fence",
    "attempts",
    "dispatches",
    "worker_id",
    "uploaded",
    "progress",
    "status_message",
    "result",
    "error",
)
_COLUMNS = (*_FIXED, *_MOVING)
_CREATE = """
create table jobs (
    id text primary key, session text not null, arrival integer not null, payload blob not null,
    created_at real not null, wanted text, config_id text not null, status text not null, fence integer not null,
    attempts integer not null, dispatches integer not null, worker_id text not null, uploaded blob, progress real,
    status_message text, result blob, error text
)
"""
# The payload never changes: an update does not write it again.
_WRITE = (
    f"insert into jobs ({', '.join(_COLUMNS)}) values ({', '.join('?' * len(_COLUMNS))}) "
    f"on conflict (id) do update set {', '.join(f'{name} = excluded.{name}' for name in _MOVING)}"
)


class JobStore:
    """One open file."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises LockedError where another gateway has it, UnreadableError for any other
        trouble: a file that is no job store is never written to."""
        self.path = path
        try:
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0.2, check_same_thread=False)
        except sqlite3.Error as error:
            raise UnreadableError(
                f"{path}: cannot be opened as a job store: {error}; is there such a folder?"
            ) from error
        try:
            self._open()
        except BaseException as error:
            self._database.close()
            if not isinstance(error, sqlite3.Error):
                raise
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise LockedError(
                    f"{path}: another process has this job store open: stop that gateway, or name another file"
                ) from error
            raise UnreadableError(f"{path}: cannot be used as a job store: {error}; name another file") from error

    def load(self) -> dict[str, list[Job]]:
        """Every job by session, in the order of submission."""
        jobs: dict[str, list[Job]] = {}
        for row in self._database.execute(f"select {', '.join(_COLUMNS)} from jobs order by arrival, id"):
            values = dict(zip(_COLUMNS, row, strict=True))
            session = values.pop("session")
            values["status"] = Status(values["status"])
            jobs.setdefault(session, []).append(Job(mode=Mode.PERSISTED, **values))
        return jobs

    def write(self, session: str, changes: Changes) -> None:
        """Write changes down, all or none. Raises WriteError."""
        database = self._database
        try:
            database.execute("begin immediate")
            database.executemany(_WRITE, [_row(session, job) for job in changes.jobs])
            if changes.forgotten:
                database.executemany("delete from jobs where id = ?", [(job_id,) for job_id in changes.forgotten])
            database.execute("commit")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("rollback")
            raise WriteError(f"{self.path}: {error}") from error

    def forget_session(self, session: str) -> None:
        """Drop every job of a session. Raises WriteError."""
        try:
            self._database.execute("delete from jobs where session = ?", (session,))
        except sqlite3.Error as error:
            raise WriteError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Let another gateway have it."""
        self._database.close()

    def _open(self) -> None:
        database = self._database
        # Before the first access: the lock is then held from that access to the end.
        database.execute("pragma locking_mode = exclusive")
        tables = database.execute("select count(*) from sqlite_master").fetchone()[0]
        application = database.execute("pragma application_id").fetchone()[0]
        version = database.execute("pragma user_version").fetchone()[0]
        if tables and (application != _APPLICATION or version != _VERSION):
            what = f"a job store of version {version}" if application == _APPLICATION else "some other database"
            raise UnreadableError(f"{self.path}: is {what}, not a job store of this program: name another file")
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        database.execute("begin immediate")
        if not tables:
            database.execute(f"pragma application_id = {_APPLICATION}")
            database.execute(f"pragma user_version = {_VERSION}")
            database.execute(_CREATE)
        database.execute("commit")


def _row(session: str, job: Job) -> Sequence[object]:
    return [session if name == "session" else getattr(job, name) for name in _COLUMNS]
