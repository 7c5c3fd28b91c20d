"""Where the objects of a lab were written, as it was when they were applied or made (manifest/origin.py says what is kept).

`Origins(cluster, origins(store)).place(service, "spec.ports[0].nodePort")` is `guestbook.yaml:42`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from netlab.desired.owning import controller_of
from netlab.manifest.origin import OF_LAB, Fields, Origin, Place, SourceFile
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.store.store import Store

NO_FILE = 0
_COLUMNS = "uid, line, verb, name, path, digest"


def origins(store: Store, only: Collection[str] = ()) -> dict[str, Origin]:
    """Return what is kept of all objects, or `only` of these, by the object's uid."""
    some, values = (" WHERE uid IN (SELECT value FROM json_each(?))", [json.dumps([*only])]) if only else ("", [])
    rows = store.execute(f"SELECT {_COLUMNS} FROM origins LEFT JOIN sources ON sources.number = source{some}", *values)  # noqa: S608
    files = {row[3:]: SourceFile(*row[3:]) for row in rows if row[3] is not None}
    return {uid: Origin(files.get(tuple(file)), line, verb) for uid, line, verb, *file in rows}


def put_origins(store: Store, made: Mapping[str, Origin], known: Mapping[str, Origin]) -> None:
    """Keep these, by the object's uid; only what is not yet `known` is written. To be called inside a transaction."""
    new = {uid: origin for uid, origin in made.items() if known.get(uid) != origin}
    if not new:
        return
    files = {origin.file for origin in new.values() if origin.file}
    store.execute_many("INSERT OR IGNORE INTO sources (name, path, digest) VALUES (?, ?, ?)", files)
    numbers = {SourceFile(*row[1:]): row[0] for row in store.execute("SELECT number, name, path, digest FROM sources")}
    rows = sorted((uid, numbers[one.file] if one.file else NO_FILE, one.line, one.verb) for uid, one in new.items())
    store.execute_many("INSERT OR REPLACE INTO origins VALUES (?, ?, ?, ?)", rows)
    store.execute("DELETE FROM sources WHERE number NOT IN (SELECT source FROM origins)")


def changed_by(store: Store, uid: str, verb: str) -> None:
    """Note that a command changed an object that was written in a file. To be called inside a transaction."""
    known = origins(store, [uid])
    if uid in known and known[uid].file:
        put_origins(store, {uid: known[uid]._replace(verb=verb)}, known)


class Origins:
    """Where the objects of a lab and their fields were written. `kept` is what `origins` returned."""

    def __init__(self, cluster: Cluster, kept: Mapping[str, Origin]) -> None:
        self._cluster, self._kept = cluster, kept
        self._fields = Fields()

    def origin(self, item: KubernetesObject) -> Origin:
        """Return where an object was written; for one that netlab made for another one, where that one was."""
        author = self._author(item)
        found = self._kept.get(author.metadata.uid, Origin())
        return found if author is item else found._replace(owner=author.key)

    def place(self, item: KubernetesObject, path: str = "") -> Place:
        """Return the line of a field, or of the object if the file has been changed since.

        Args:
            item: an object of the lab, generated or not.
            path: a field in it; "" is the object itself. A Pod's field is looked for in the template of its owner, and nothing
                of an EndpointSlice is written anywhere but its Service. Behind `Lab ` stands a field of the lab.
        """
        if path.startswith(OF_LAB):
            lab = self._cluster.lab
            return self._fields.place(lab, self._kept.get(lab.metadata.uid, Origin()), path.removeprefix(OF_LAB))
        author = self._author(item)
        if author is not item:
            path = f"spec.template.{path}" if path and isinstance(item, Pod) else ""
        return self._fields.place(author, self._kept.get(author.metadata.uid, Origin()), path)

    def _author(self, item: KubernetesObject) -> KubernetesObject:
        """Return the object that somebody wrote and from which this one follows: the owner of its owners, or itself."""
        seen = {item.metadata.uid}
        while (owner := controller_of(item)) and owner.uid not in seen:
            seen.add(owner.uid)
            places = (Key(owner.kind, place, owner.name) for place in (item.metadata.namespace, ""))
            found = next((self._cluster.objects[key] for key in places if key in self._cluster.objects), None)
            if found is None or found.metadata.uid != owner.uid:
                break
            item = found
        return item
