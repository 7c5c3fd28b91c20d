"""The state file of one lab: what happens together in it or not at all, single values, and the number of changes of wishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netlab.store.database import connect, translated


class StateFile:
    """One open state file, made if it is missing and `create` says so. Not for use by several threads."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self._db = connect(path, create=create)
        self._revision: int | None = None  # inside a transaction that changes wishes

    def close(self) -> None:
        """Close the file; the Store is of no use afterwards."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen together, or not at all if an exception leaves the block. Transactions do not nest."""
        with translated(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                if self._revision is not None:
                    self.set_fact("revision", str(self._revision))
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise
            finally:
                self._revision = None

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """All that is read inside is of one moment."""
        if self._db.in_transaction:
            yield
            return
        with translated(self.path):
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("COMMIT")

    def execute(self, statement: str, *values: object) -> list[Any]:
        """Run one statement and return its rows."""
        with translated(self.path):
            return self._db.execute(statement, values).fetchall()

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row."""
        with translated(self.path):
            self._db.executemany(statement, rows)

    def fact(self, name: str, default: str = "") -> str:
        """Return a single value, or `default` if it was never set."""
        rows = self.execute("SELECT value FROM facts WHERE name = ?", name)
        return str(rows[0][0]) if rows else default

    def set_fact(self, name: str, value: str) -> None:
        """Keep a single value."""
        self.set_facts({name: value})

    def set_facts(self, facts: Mapping[str, str]) -> None:
        """Keep several single values, by their names."""
        self.execute_many("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", facts.items())

    @property
    def revision(self) -> int:
        """The number of changes of wishes so far."""
        return int(self.fact("revision", "0")) if self._revision is None else self._revision

    def next_revision(self) -> int:
        """Count one more change of a wish, and return its number."""
        revision = self.revision + 1
        if self._db.in_transaction:
            self._revision = revision  # kept at its end
        else:
            self.set_fact("revision", str(revision))
        return revision
