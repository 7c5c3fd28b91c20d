"""`apply` and `delete`: wishes go into the store, all of them or none. What follows from them is the business of reconcile.

A wish is an object as it is to become, whole; or a manifest (`Written`), which is merged with what others set (manifest/merge).
For that the manifest that was applied last is kept (store/manifests.py; kubectl keeps it in an annotation of the object).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from netlab.desired.addons import labelled
from netlab.desired.assignments import Assignments
from netlab.desired.owning import controller_of, released
from netlab.desired.published import published
from netlab.desired.updates import check_update, merged
from netlab.engine.decide import decide
from netlab.engine.deleting import delete_pods
from netlab.engine.nodes import tell_cordons
from netlab.engine.session import Session
from netlab.errors import Conflict, NotFound
from netlab.frozen import dataclass
from netlab.manifest.load import Written
from netlab.manifest.merge import three_way
from netlab.manifest.origin import MADE_BY_UP, Origin
from netlab.model.endpoints import Endpoints
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.model.times import rfc3339
from netlab.model.workload import ReplicaSet
from netlab.store.manifests import as_applied, manifests, put_manifests
from netlab.store.origins import origins, put_origins
from netlab.store.store import Store

Verdict = Literal["created", "configured", "unchanged"]
LASTING = (Key("Namespace", "", "default"), Key("Namespace", "", "kube-system"))


class Applied(NamedTuple):
    """What became of one object of the set, and the object as it is now wished."""

    key: Key
    verdict: Verdict
    item: KubernetesObject


class _Undone(Exception):
    """Ends the transaction of a dry run."""


class NamespaceMissing(NotFound):
    """An object is in a Namespace that neither exists nor is in the set; `key` is the object's."""

    def __init__(self, key: Key) -> None:
        self.key = key
        super().__init__(f'namespaces "{key.namespace}" not found', origin="Error from server (NotFound)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What there was before a set is applied. `known` has the Namespaces of the set as well."""

    objects: Mapping[Key, KubernetesObject]
    known: Cluster
    assignments: Assignments
    applied: Mapping[str, str]


def apply(
    session: Session,
    wishes: Iterable[KubernetesObject | Written[KubernetesObject]],
    *,
    verb: str = MADE_BY_UP,
    dry_run: bool = False,
    filled: bool = False,
    only_verdicts: bool = False,
) -> list[Applied]:
    """Put the wishes into the store and return what became of each, in the given order. All of them, or none.

    `verb` are the words of the command that makes or changes objects without a manifest (store/origins.py). With `dry_run`
    all is checked and decided, and then nothing of it is kept. With `filled` the objects are returned as `get` shows them, with
    what was assigned: a Service with its ClusterIP. With `only_verdicts` nobody asks for the objects: where nothing of a set of
    manifests is new none is read, and `item` is what stands in the manifest.

    Raises:
        NamespaceMissing: an object is in a Namespace that neither exists nor is in the set.
        ManifestError: what others set does not go together with a manifest.
        Conflict: a wish contradicts another one, or changes what cannot be changed.
        PoolExhausted: no address or port is left.
    """
    store = session.store
    wanted = list(wishes)
    found: list[Applied] = []
    with contextlib.suppress(_Undone), store.transaction():
        if only_verdicts and not dry_run and (unchanged := _unchanged(store, wanted)) is not None:
            return unchanged
        cluster = store.cluster()
        before = _Before(
            objects=cluster.objects,
            known=cluster.with_objects(_namespaces(wanted)),
            assignments=store.assignments(),
            applied=manifests(store),
        )
        found += _kept(store, [_verdict(before, wish) for wish in wanted])
        _keep_manifests(store, before, wanted, found)
        old = [applied.item.metadata.uid for applied in found if applied.verdict != "created"]
        known = origins(store, old) if old else {}
        put_origins(store, dict(_origins(known, wanted, found, verb)), known)
        if any(item.verdict != "unchanged" for item in found):
            tell_cordons(store, before.objects, [applied.item for applied in found], session.clock())
            decide(store, session.clock(), session.room())  # raises now, and not when half of it is made
        if filled:
            shown = published(store.cluster(), store.assignments(), session.clock()).objects
            found[:] = [applied._replace(item=shown[applied.key]) for applied in found]
        if dry_run:
            raise _Undone
    return found


def _origins(
    known: Mapping[str, Origin],
    wishes: Iterable[KubernetesObject | Written[KubernetesObject]],
    done: Iterable[Applied],
    verb: str,
) -> Iterator[tuple[str, Origin]]:
    """Yield where each object was written: the manifest it stands in, or the command that made it or changed it since."""
    for wish, applied in zip(wishes, done, strict=True):
        uid = applied.item.metadata.uid
        if isinstance(wish, Written):
            yield uid, Origin(wish.source.file, wish.line, verb="")
        elif applied.verdict == "created":
            yield uid, Origin(verb=verb)
        elif applied.verdict == "configured" and uid in known and known[uid].file:
            yield uid, known[uid]._replace(verb=verb)


def _namespaces(wishes: Iterable[KubernetesObject | Written[KubernetesObject]]) -> list[Namespace]:
    items = (wish.item if isinstance(wish, Written) else wish for wish in wishes)
    return [item for item in items if isinstance(item, Namespace)]


def _kept(store: Store, decided: list[Applied]) -> list[Applied]:
    """Store what is new, all at once, and return everything as it is now."""
    kept = iter(store.put_all(one.item for one in decided if one.verdict != "unchanged"))
    return [one if one.verdict == "unchanged" else one._replace(item=next(kept)) for one in decided]


def _keep_manifests(
    store: Store,
    before: _Before,
    wishes: Iterable[KubernetesObject | Written[KubernetesObject]],
    found: Iterable[Applied],
) -> None:
    """Keep the manifests of this set as those applied last."""
    pairs = zip(wishes, found, strict=True)
    texts = {done.item.metadata.uid: wish.text for wish, done in pairs if isinstance(wish, Written)}
    put_manifests(store, texts, before.applied)


def _unchanged(store: Store, wishes: Sequence[KubernetesObject | Written[KubernetesObject]]) -> list[Applied] | None:
    """What becomes of manifests all of which were applied before, and of whose objects none has changed since; else None.

    Only where they stand may be new.
    """
    written = [wish for wish in wishes if isinstance(wish, Written)]
    if len(written) < len(wishes):
        return None
    uids = as_applied(store, [(wish.item.key, wish.text) for wish in written])
    if uids is None:
        return None
    places = (Origin(wish.source.file, wish.line, verb="") for wish in written)
    put_origins(store, dict(zip(uids, places, strict=True)), origins(store, uids))
    return [Applied(wish.item.key, "unchanged", wish.item) for wish in written]


def _verdict(before: _Before, wish: KubernetesObject | Written[KubernetesObject]) -> Applied:
    """Decide what is to become of one object. Raises Conflict, ManifestError, NamespaceMissing."""
    item = wish.item if isinstance(wish, Written) else wish
    _check_namespace(before.known, item)
    item = labelled(item) if isinstance(item, Namespace) else item
    old = before.objects.get(item.key)
    if old is None:
        if isinstance(item, Node):
            raise Conflict(f"node/{item.metadata.name}: Nodes are made by `netlab up --nodes N`, not by apply")
        return Applied(item.key, "created", item)
    later = merged(old, item, before.known.lab, before.assignments)
    if isinstance(wish, Written) and later is not old:
        last = before.applied.get(old.metadata.uid)
        item = three_way(old, wish.plain, json.loads(last) if last else None)
        item = labelled(item) if isinstance(item, Namespace) else item
        later = merged(old, item, before.known.lab, before.assignments)
    if later is old:
        return Applied(item.key, "unchanged", old)
    check_update(old, later)
    return Applied(item.key, "configured", later)


def _check_namespace(known: Cluster, item: KubernetesObject) -> None:
    name = item.metadata.namespace
    if not name:
        return
    namespace = known.objects.get(Key("Namespace", "", name))
    if namespace is None:
        raise NamespaceMissing(item.key)
    if namespace.metadata.deletion_timestamp:
        raise Conflict(f"{item.key}: namespace {name!r} is being deleted; nothing new can be made in it")


class Deleted(NamedTuple):
    """Whose deletion began, with the uid of the one that is meant, and which keys do not exist."""

    uids: dict[Key, str]
    missing: list[Key]


def delete(
    session: Session, keys: Iterable[Key], *, grace_s: int | None = None, dry_run: bool = False, orphan: bool = False
) -> Deleted:
    """Begin the deletion of these objects and of all they own; those that do not exist are returned, as kubectl reports them.

    With `orphan` what they own stays, and is nobody's.

    Pods get their time to end; a Namespace goes when the last of its objects has gone; a Service takes its Endpoints along; the
    rest goes at once. With `dry_run` nothing is changed, and the same is returned.

    Raises:
        Conflict: the Namespace or Node is one that always exists; then nothing is deleted.
    """
    store, now = session.store, session.clock()
    wanted = dict.fromkeys(keys)
    found: dict[Key, KubernetesObject] = {}
    with contextlib.suppress(_Undone), store.transaction():
        cluster = store.cluster()
        found |= {key: cluster.objects[key] for key in wanted if key in cluster.objects}
        if orphan:
            cluster = _orphaned(store, cluster, found.values())
        for item in found.values():
            _delete_one(session, cluster, item, grace_s, now)
        decide(store, now, session.room())
        if dry_run:
            raise _Undone
    return Deleted({key: item.metadata.uid for key, item in found.items()}, [key for key in wanted if key not in found])


def _orphaned(store: Store, cluster: Cluster, owners: Iterable[KubernetesObject]) -> Cluster:
    """What these objects own becomes nobody's."""
    uids = {owner.metadata.uid for owner in owners}
    owned = [item for item in cluster.objects.values() if (owner := controller_of(item)) and owner.uid in uids]
    pods = [store.put(released(item)) for item in owned if isinstance(item, Pod)]
    sets = [store.put(released(item)) for item in owned if isinstance(item, ReplicaSet)]
    return cluster.with_objects((*pods, *sets))


def _delete_one(session: Session, cluster: Cluster, item: KubernetesObject, grace_s: int | None, now: float) -> None:
    store = session.store
    match item:
        case Pod():
            delete_pods(store, [item], now, grace_s)
        case Node():
            raise Conflict(f"{item.key}: Nodes belong to the lab; `netlab down` removes them")
        case Namespace():
            if item.key in LASTING:
                raise Conflict(f"{item.key}: this Namespace always exists")
            inside = [other for key, other in cluster.objects.items() if key.namespace == item.metadata.name]
            for other in inside:
                _delete_one(session, cluster, other, grace_s, now)
            if not item.metadata.deletion_timestamp:
                store.put(replace(item, metadata=replace(item.metadata, deletion_timestamp=rfc3339(now))))
        case Service():
            store.delete(item)
            if endpoints := cluster.objects.get(Key(Endpoints.kind, item.metadata.namespace, item.metadata.name)):
                store.delete(endpoints)
        case _:
            store.delete(item)
