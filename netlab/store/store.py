"""The memory of one lab: wishes, choices, and what was last reported. Nothing is decided here.

Every change of a wish makes a new revision; statuses, restarts and events do not. Writers hold the lab's lock (engine), and
`transaction()` makes what belongs together happen together or not at all.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

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
from netlab.store.assignments import assignment_rows, assignments_of, missing
from netlab.store.database import cure
from netlab.store.memory import Memory
from netlab.store.state_file import StateFile

if TYPE_CHECKING:
    from netlab.desired.restarts import Backoff

T = TypeVar("T", bound=KubernetesObject)
GIVEN = "given"
"""The fact that counts how often the choices were changed."""


class Store(StateFile):
    """The objects in a state file. Not for use by several threads.

    Args:
        path: the file.
        now: the clock, seconds since the epoch.
        create: make the file if it is missing.
        memory: what this process has read of the same lab before.
    """

    def __init__(self, path: Path, now: Callable[[], float], *, create: bool = False, memory: Memory | None = None) -> None:
        super().__init__(path, create=create)
        self._now = now
        self._memory = memory or Memory()
        self._lab: tuple[str, Lab | None] = "", None  # as it was read last

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As StateFile's; what is undone is not remembered either."""
        try:
            with super().transaction():
                yield
        except BaseException:
            self._memory.forget()
            raise

    # Wishes -------------------------------------------------------------------------------------------------------------

    def lab(self) -> Lab | None:
        """Return the lab, or None if none was put here yet."""
        text, known = self.fact("lab"), self._memory
        if known.cluster is not None and text == known.lab:
            return known.cluster.lab
        if text != self._lab[0]:
            lab = self._decode(text)
            self._lab = text, lab if isinstance(lab, Lab) else None
        return self._lab[1]

    def put_lab(self, lab: Lab) -> None:
        """Keep the lab. A new wish."""
        self.set_fact("lab", json.dumps(encode(lab)))
        self.next_revision()

    def cluster(self, only: Collection[Key] = ()) -> Cluster:
        """Return everything that is wished, or `only` these of the objects, Pods with their last reported status.

        Raises NetlabError without a lab.
        """
        known = self._memory
        text = self.fact("lab")
        if known.cluster is None or text != known.lab:
            lab = self.lab()
            if lab is None:
                raise NetlabError(f"state file {self.path} holds no lab; {cure(self.path)}")
            if only:
                return Cluster(lab=lab, objects={item.key: item for item in self._some(only)})
            if known.cluster is None or known.cluster.lab.metadata.uid != lab.metadata.uid:
                known.forget()
            known.lab, known.cluster = text, known.cluster.with_lab(lab) if known.cluster else Cluster(lab=lab)
        if only:
            return Cluster(lab=known.cluster.lab, objects={item.key: item for item in self._some(only)})
        with self.one_moment():
            known.cluster = self._with_news(known.cluster)
        return known.cluster

    def _some(self, only: Collection[Key]) -> Iterator[KubernetesObject]:
        places = f"(VALUES {', '.join(['(?, ?, ?)'] * len(only))})"
        columns = "kind, namespace, name, objects.body, statuses.body"
        rows = self.execute(
            f"SELECT {columns} FROM objects LEFT JOIN statuses USING (uid) WHERE (kind, namespace, name) IN {places}",  # noqa: S608
            *(part for key in only for part in key),
        )
        return (self._object(Key(*row[:3]), row[3], row[4] or "") for row in rows)

    def _with_news(self, cluster: Cluster) -> Cluster:
        """Return the Cluster with what was changed since it was read."""
        known, revision = self._memory, self.revision
        is_new = known.revision < 0
        some = "" if is_new else f" WHERE revision > {known.revision:d}"
        rows = self.execute(f"SELECT kind, namespace, name, uid, body FROM objects{some}")  # noqa: S608 - a number
        bodies = {Key(*row[:3]): (row[3], row[4]) for row in rows}
        known.bodies = bodies if is_new else {**known.bodies, **bodies} if bodies else known.bodies
        if len(known.bodies) != self.execute("SELECT count(*) FROM objects")[0][0]:
            there = {Key(*row) for row in self.execute("SELECT kind, namespace, name FROM objects")}
            cluster = cluster.without(known.bodies.keys() - there)
            known.bodies = {key: body for key, body in known.bodies.items() if key in there}
        statuses = dict(self.execute("SELECT uid, body FROM statuses"))
        if news := {uid for uid, _ in statuses.items() ^ known.statuses.items()}:
            told: Iterable[Pod | Job] = itertools.chain(cluster.pods, cluster.jobs)
            keys = [item.key for item in told if item.metadata.uid in news]
            bodies |= {key: known.bodies[key] for key in keys if key in known.bodies}
        found = [self._object(key, body, statuses.get(uid, "")) for key, (uid, body) in sorted(bodies.items())]
        known.revision, known.statuses, known.put = revision, statuses, {}
        return cluster.with_objects(found)

    def _object(self, key: Key, body: str, status: str) -> KubernetesObject:
        """Decode one object with its status, unless it is what was put here a moment ago."""
        text, item = self._memory.put.get(key, ("", None))
        if text == body and item is not None and not status:
            return item
        decoded = self._decode(body, status)
        if isinstance(decoded, Lab):
            raise NetlabError(f"state file {self.path} has a Lab among its objects; {cure(self.path)}")
        return decoded

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
        return self.put_all([item])[0]

    def put_all(self, items: Iterable[T]) -> list[T]:
        """Keep objects as `put` does, ten thousand of them in half the time."""
        kept = [self._known_by_uid(item) for item in items]
        self.execute_many(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET uid = excluded.uid, body = excluded.body, revision = excluded.revision",
            [(*item.key, item.metadata.uid, self._body(item), self.next_revision()) for item in kept],
        )
        return kept

    def _known_by_uid(self, item: T) -> T:
        if item.metadata.uid:
            return item
        import uuid  # noqa: PLC0415 - commands that only look do not pay its 2 ms

        meta = replace(item.metadata, uid=str(uuid.uuid4()), creation_timestamp=rfc3339(self._now()))
        return replace(item, metadata=meta)

    def _body(self, item: KubernetesObject) -> str:
        """The text of an object without its status; what it says is known to whoever reads it back."""
        plain = encode(item)
        status = plain.pop("status", None)
        body = json.dumps(plain)
        if not status:
            self._memory.put[item.key] = body, item
        return body

    def delete(self, item: KubernetesObject) -> None:
        """Forget an object and what was reported of it. A new wish."""
        self.execute("DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?", *item.key)
        for table in ("statuses", "restarts", "origins", "manifests"):
            self.execute(f"DELETE FROM {table} WHERE uid = ?", item.metadata.uid)  # noqa: S608 - names of ours
        self.next_revision()

    # Choices ------------------------------------------------------------------------------------------------------------

    def assignments(self) -> Assignments:
        """Return every choice that was kept."""
        known = self._memory
        with self.one_moment():
            given = self.fact(GIVEN, "0")
            if known.assignments is None or known.given != given:
                known.assignments = assignments_of(self.execute("SELECT topic, key, value FROM assignments"))
                known.given = given
        return known.assignments

    def put_assignments(self, assignments: Assignments) -> None:
        """Keep these choices in place of all earlier ones. To be called inside a transaction."""
        earlier = self.assignments()
        gone = assignment_rows(missing(earlier, assignments))
        self.execute_many("DELETE FROM assignments WHERE topic = ? AND key = ?", (row[:2] for row in gone))
        new = assignment_rows(missing(assignments, earlier))
        self.execute_many("INSERT OR REPLACE INTO assignments VALUES (?, ?, ?)", new)
        self._memory.given = str(int(self._memory.given) + 1)
        self.set_fact(GIVEN, self._memory.given)
        self._memory.assignments = assignments

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
