"""Events of a lab: recorded as they happen, at most KEPT of them. The same one again only raises its count."""

from __future__ import annotations

from dataclasses import replace

from netlab.model.event import Event, event_of
from netlab.model.meta import Key
from netlab.model.times import rfc3339
from netlab.store.store import Store

KEPT = 1000


def record(store: Store, event: Event, now: float) -> None:
    """Keep an event that happened `now` (seconds since the epoch); one that happened before only counts up."""
    store.execute(
        "INSERT INTO events (kind, namespace, name, type, reason, message, first_s, last_s, count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET last_s = excluded.last_s, count = count + 1",
        *event.about, event.type, event.reason, event.message, now, now,
    )  # fmt: skip
    store.execute("DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?", KEPT)


def is_known(store: Store, event: Event) -> bool:
    """Tell whether the same thing was recorded of the same object before."""
    return bool(
        store.execute(
            "SELECT 1 FROM events WHERE kind = ? AND namespace = ? AND name = ? AND type = ? AND reason = ? AND message = ?",
            *event.about, event.type, event.reason, event.message,
        )
    )  # fmt: skip


def events(store: Store) -> list[Event]:
    """Return all events, the one that happened last at the end. Each has a name of its own, its object's and when."""
    rows = store.execute(
        "SELECT kind, namespace, name, type, reason, message, number, first_s, last_s, count FROM events"
        " ORDER BY last_s, number"
    )
    return [_event(event_of(Key(*row[:3]), *row[3:6]), *row[6:]) for row in rows]


def _event(event: Event, number: int, first_s: float, last_s: float, count: int) -> Event:
    first, last = rfc3339(first_s), rfc3339(last_s)
    name = f"{event.metadata.name}.{int(first_s * 1000):x}{number:06x}"
    meta = replace(event.metadata, name=name, creation_timestamp=first)
    return replace(event, metadata=meta, first_timestamp=first, last_timestamp=last, count=count)
