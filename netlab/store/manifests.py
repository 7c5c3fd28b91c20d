"""The manifests that were applied last, by the uid of their object, and which objects are still what came of theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from netlab.model.meta import Key
from netlab.store.store import Store


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


def as_applied(store: Store, wishes: Sequence[tuple[Key, str]]) -> list[str] | None:
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
    is_same = [body for _, body in rows] == [text for _, text in wishes]
    return [uid for uid, _ in rows] if is_same else None
