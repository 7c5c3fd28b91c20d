"""One SQLite file: how it is opened, and how SQLite's errors become ours. What is in it stands in `schema.sql`.

`synchronous` is off on purpose: a process killed at any moment loses nothing that was committed (the next one rolls back what
was not), and a machine that stops loses the lab and its record together (/run). The rollback journal, and not write-ahead
logging, because then reading needs no room on a full disk.
Source: sqlite.org, PRAGMA statements, Atomic Commit.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netlab.errors import NetlabError, NotFound

SCHEMA_VERSION = 5
BUSY_TIMEOUT_S = 10.0
SCHEMA = Path(__file__).with_name("schema.sql")


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """Return a connection in autocommit mode to the state file, readable by root only.

    Raises:
        NotFound: there is no such file, or one that was never finished, and `create` is not set.
        NetlabError: the file is not a state file of this version, or damaged, or the disk is full.
    """
    if create:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    elif not path.exists():
        raise NotFound(f"there is no state file {path}")
    with translated(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _check_version(connection, path, create=create)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_version(connection: sqlite3.Connection, path: Path, *, create: bool) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and create:
        _lay_out(connection)
    elif version == 0:
        raise NotFound(f"lab {path.parent.name!r} is half-made; `netlab up --lab {path.parent.name}` finishes it")
    elif version != SCHEMA_VERSION:
        raise NetlabError(f"state file {path} has version {version}, this netlab knows {SCHEMA_VERSION}; {cure(path)}")


def _lay_out(connection: sqlite3.Connection) -> None:
    """Make all tables and set the version in one transaction: a command killed in between leaves an empty file."""
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA.read_text()} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def cure(path: Path) -> str:
    """Return what to do about a state file that cannot be used."""
    return f"`netlab down --lab {path.parent.name}` removes the lab by its ownership mark; then bring it up again"


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's exceptions into NetlabError that says what to do. Source: sqlite.org, result codes."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            raise NetlabError(f"cannot write {path}: {error}; free some space on that disk and repeat the command") from error
        if name.startswith("SQLITE_BUSY"):
            raise NetlabError(f"{path} is in use by another process for {BUSY_TIMEOUT_S:g} s; repeat the command") from error
        raise NetlabError(f"state file {path} is damaged ({error}); {cure(path)}") from error
