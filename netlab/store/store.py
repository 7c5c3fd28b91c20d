"""The memory of one lab: wishes, choices, and what was last reported. Nothing is decided here.

Every change of a wish makes a new revision; statuses, restarts and events do not. Writers hold the lab's lock (engine), and
`transaction()` makes what belongs together happen together or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from netlab.desired.assignments import Assignments
from netlab.errors import NetlabError
from netlab.model.codec import decode_object, encode
from netlab.model.job import Job, JobStatus
from netlab.model.lab import Cluster, KubernetesObject, Lab
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.pod_status import PodStatus
from netlab.model.times import rfc3339
from netlab.netstate.names import NetnsName
from netlab.store.assignments import assignment_rows, assignments_of
from netlab.store.database import connect, cure, translated

if TYPE_CHECKING:
    from netlab.desired.restarts import Backoff

T = TypeVar("T", bound=KubernetesObject)


class Store:
    """One open state file. Not for use by several threads.

    Args:
        path: the file.
        now: the clock, seconds since the epoch.
        create: make the file if it is missing.
    """

    def __init__(self, path: Path, now: Callable[[], float], *, create: bool = False) -> None:
        self.path = path
        self._now = now
        self._db = connect(path, create=create)
        self._decoded: dict[Key, tuple[tuple[str, str], KubernetesObject]] = {}

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
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise

    def execute(self, statement: str, *values: object) -> list[Any]:
        """Run one statement and return its rows."""
        with translated(self.path):
            return self._db.execute(statement, values).fetchall()

    # Single values ------------------------------------------------------------------------------------------------------

    def fact(self, name: str, default: str = "") -> str:
        """Return a single value, or `default` if it was never set."""
        rows = self.execute("SELECT value FROM facts WHERE name = ?", name)
        return str(rows[0][0]) if rows else default

    def set_fact(self, name: str, value: str) -> None:
        """Keep a single value."""
        self.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", name, value)

    @property
    def revision(self) -> int:
        """The number of changes of wishes so far."""
        return int(self.fact("revision", "0"))

    def _next_revision(self) -> int:
        revision = self.revision + 1
        self.set_fact("revision", str(revision))
        return revision

    # Wishes -------------------------------------------------------------------------------------------------------------

    def lab(self) -> Lab | None:
        """Return the lab, or None if none was put here yet."""
        text = self.fact("lab")
        lab = self._decode(text) if text else None
        return lab if isinstance(lab, Lab) else None

    def put_lab(self, lab: Lab) -> None:
        """Keep the lab. A new wish."""
        self.set_fact("lab", json.dumps(encode(lab)))
        self._next_revision()

    def cluster(self, only: Collection[Key] = ()) -> Cluster:
        """Return everything that is wished, or `only` these of the objects, Pods with their last reported status.

        Raises NetlabError without a lab.
        """
        lab = self.lab()
        if lab is None:
            raise NetlabError(f"state file {self.path} holds no lab; {cure(self.path)}")
        some = f" WHERE (kind, namespace, name) IN (VALUES {', '.join(['(?, ?, ?)'] * len(only))})" if only else ""
        rows = self.execute(
            f"SELECT kind, namespace, name, objects.body, statuses.body FROM objects LEFT JOIN statuses USING (uid){some}",  # noqa: S608
            *(part for key in only for part in key),
        )
        objects = {(key := Key(*row[:3])): self._object(key, row[3], row[4] or "") for row in rows}
        if not only:
            self._decoded = {key: item for key, item in self._decoded.items() if key in objects}
        return Cluster(lab=lab, objects=objects)

    def _object(self, key: Key, body: str, status: str) -> KubernetesObject:
        """Decode one object with its status, unless the same text was decoded before."""
        known = self._decoded.get(key)
        if known is None or known[0] != (body, status):
            item = self._decode(body, status)
            if isinstance(item, Lab):
                raise NetlabError(f"state file {self.path} has a Lab among its objects; {cure(self.path)}")
            known = ((body, status), item)
            self._decoded[key] = known
        return known[1]

    def _decode(self, body: str, status: str = "") -> KubernetesObject | Lab:
        problems: list[tuple[str, str, str]] = []
        try:
            plain = json.loads(body)
            item = decode_object(plain | {"status": json.loads(status)} if status else plain, problems)
        except (ValueError, TypeError) as error:
            raise NetlabError(f"state file {self.path} is damaged ({error}); {cure(self.path)}") from error
        if item is None or problems:
            raise NetlabError(f"state file {self.path} holds an object it should not ({problems[:1]}); {cure(self.path)}")
        return item

    def put(self, item: T) -> T:
        """Keep an object and return it as kept: a new one gets uid and creationTimestamp. A new wish; status is left out."""
        meta = item.metadata
        if not meta.uid:
            import uuid  # noqa: PLC0415 - commands that only look do not pay its 2 ms

            meta = replace(meta, uid=str(uuid.uuid4()), creation_timestamp=rfc3339(self._now()))
            item = replace(item, metadata=meta)
        plain = encode(item)
        plain.pop("status", None)
        self.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET uid = excluded.uid, body = excluded.body, revision = excluded.revision",
            *item.key, item.metadata.uid, json.dumps(plain), self._next_revision(),
        )  # fmt: skip
        return item

    def delete(self, item: KubernetesObject) -> None:
        """Forget an object and what was reported of it. A new wish."""
        self.execute("DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?", *item.key)
        self.execute("DELETE FROM statuses WHERE uid = ?", item.metadata.uid)
        self.execute("DELETE FROM restarts WHERE uid = ?", item.metadata.uid)
        self._next_revision()

    # Choices ------------------------------------------------------------------------------------------------------------

    def assignments(self) -> Assignments:
        """Return every choice that was kept."""
        return assignments_of(self.execute("SELECT topic, key, value FROM assignments"))

    def put_assignments(self, assignments: Assignments) -> None:
        """Keep these choices in place of all earlier ones."""
        self.execute("DELETE FROM assignments")
        for row in assignment_rows(assignments):
            self.execute("INSERT INTO assignments VALUES (?, ?, ?)", *row)

    def namespaces(self) -> frozenset[NetnsName]:
        """Return the names of all network namespaces that may exist."""
        return frozenset(NetnsName(name) for (name,) in self.execute("SELECT name FROM namespaces"))

    def put_namespaces(self, names: Iterable[NetnsName]) -> None:
        """Keep exactly these names. To be called before they are made, and after they are gone."""
        self.execute("DELETE FROM namespaces")
        for name in names:
            self.execute("INSERT INTO namespaces VALUES (?)", name)

    # Reports ------------------------------------------------------------------------------------------------------------

    def put_status(self, item: Pod | Job, status: PodStatus | JobStatus) -> None:
        """Keep what was seen of a Pod, or how far a Job has come."""
        body = encode(replace(item, status=status)).get("status", {})  # type: ignore[arg-type]
        self.execute(
            "INSERT INTO statuses VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            item.metadata.uid,
            json.dumps(body),
        )

    def restarts(self) -> dict[str, dict[str, Backoff]]:
        """Return the restart records by Pod uid and container name."""
        from netlab.desired.restarts import Backoff  # noqa: PLC0415 - commands that only look do not need it

        found: dict[str, dict[str, Backoff]] = {}
        for uid, container, restarts, delay_s, until in self.execute("SELECT * FROM restarts"):
            found.setdefault(uid, {})[container] = Backoff(restarts=restarts, delay_s=delay_s, until=until)
        return found

    def put_restart(self, uid: str, container: str, backoff: Backoff) -> None:
        """Keep one restart record."""
        self.execute(
            "INSERT OR REPLACE INTO restarts VALUES (?, ?, ?, ?, ?)",
            uid, container, backoff.restarts, backoff.delay_s, backoff.until,
        )  # fmt: skip
