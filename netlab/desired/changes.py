"""What a controller wants to be stored: objects made or changed, objects to delete, and what it says about that."""

from __future__ import annotations

from netlab.frozen import dataclass
from netlab.model.event import Event
from netlab.model.job import Job
from netlab.model.lab import KubernetesObject
from netlab.model.meta import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Nothing in it: all is as it should be. A Pod in `delete` gets its grace period; other objects go at once.

    `put` are wishes; `reported` are Jobs whose status changed; `moments` (seconds since the epoch) are when to ask again at the
    latest, though nothing else happens.
    """

    put: tuple[KubernetesObject, ...] = ()
    reported: tuple[Job, ...] = ()
    delete: tuple[Key, ...] = ()
    events: tuple[Event, ...] = ()
    moments: tuple[float, ...] = ()

    def __add__(self, other: Changes) -> Changes:
        """Return both."""
        return Changes(
            put=(*self.put, *other.put),
            reported=(*self.reported, *other.reported),
            delete=(*self.delete, *other.delete),
            events=(*self.events, *other.events),
            moments=(*self.moments, *other.moments),
        )

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.put or self.reported or self.delete or self.events)
