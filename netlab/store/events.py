"""Events: what happened to an object, for a human who asks why. `Normal` or `Warning`, a one-word reason, a sentence.

Source: Kubernetes API reference, core/v1 Event; the words are the kubelet's and the scheduler's. At most KEPT are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netlab.model.meta import Key
from netlab.store.store import Store

KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to `about`, `count` times between `first_s` and `last_s` (seconds since the epoch)."""

    about: Key
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    first_s: float = 0.0
    last_s: float = 0.0
    count: int = 1


def record(store: Store, event: Event, now: float) -> None:
    """Keep an event that happened now; one that happened before only counts up."""
    store.execute(
        "INSERT INTO events (kind, namespace, name, type, reason, message, first_s, last_s, count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET last_s = excluded.last_s, count = count + 1",
        *event.about, event.type, event.reason, event.message, now, now,
    )  # fmt: skip
    store.execute("DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?", KEPT)


def events(store: Store) -> list[Event]:
    """Return all events, the one that happened last at the end."""
    rows = store.execute(
        "SELECT kind, namespace, name, type, reason, message, first_s, last_s, count FROM events ORDER BY last_s, number"
    )
    return [
        Event(about=Key(*row[:3]), type=row[3], reason=row[4], message=row[5], first_s=row[6], last_s=row[7], count=row[8])
        for row in rows
    ]
