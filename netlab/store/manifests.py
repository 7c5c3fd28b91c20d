"""The manifests that were applied last, by the uid of their object, and which objects are still what came of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from netlab.model.meta import Key
from netlab.model.wire import Plain
from netlab.store.store import Store

_TEXT: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def manifest_text(plain: Plain) -> str:
    """Return a manifest as it is kept: the same text whatever the order of its fields."""
    return _TEXT.encode(plain)


def manifests(store: Store) -> dict[str, str]:
    """Return what is kept of all objects."""
    return dict(store.execute("SELECT uid, body FROM manifests"))


def put_manifests(store: Store, texts: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Keep that these were merged into their objects, at this revision. To be called inside a transaction.

    Only the texts that are not yet `known` are written.
    """
    revision = store.revision
    new = [(uid, text, revision) for uid, text in texts.items() if known.get(uid) != text]
    uids = json.dumps([uid for uid, text in texts.items() if known.get(uid) == text])
    store.execute_many("INSERT OR REPLACE INTO manifests VALUES (?, ?, ?)", sorted(new))  # in order it takes half the time
    store.execute("UPDATE manifests SET revision = ? WHERE uid IN (SELECT value FROM json_each(?))", revision, uids)


def as_applied(store: Store, wishes: Sequence[tuple[Key, Plain]]) -> list[str] | None:
    """Return the uids of the objects with these manifests if all are what came of just these, None if one is not.

    Then there is nothing to merge, and no object has to be read for it.
    """
    if store.execute("SELECT count(*) FROM manifests")[0][0] < len(wishes):
        return None
    rows = store.execute(
        "SELECT uid, manifests.body FROM json_each(?) AS wish"
        " JOIN objects ON kind = wish.value ->> 0 AND namespace = wish.value ->> 1 AND name = wish.value ->> 2"
        " JOIN manifests USING (uid) WHERE manifests.revision >= objects.revision ORDER BY wish.key",
        json.dumps([key for key, _ in wishes]),
    )
    if len(rows) < len(wishes) or not _are_equal((body for _, body in rows), (plain for _, plain in wishes)):
        return None
    return [uid for uid, _ in rows]


def _are_equal(bodies: Iterable[str], plains: Iterable[Plain]) -> bool:
    return all(body == manifest_text(plain) for body, plain in zip(bodies, plains, strict=True))
