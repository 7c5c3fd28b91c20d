"""What a process has read of a lab, so that it reads only the rest: a change of one object of 20,000 takes no second.

Objects are found by the revision of their last change, statuses by their text, choices by their number; objects that were
deleted show in the count. Nothing here is newer than the file: after a rollback all is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netlab.desired.assignments import Assignments
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key


@dataclass(slots=True, kw_only=True)
class Memory:
    """One process' memory of one lab; several Stores may use it, one after the other.

    `revision` is up to which `cluster` was read, `bodies` the text and uid of each object, `statuses` those texts by uid;
    `put` are the objects that were put there since, with their text; `given` is the number of the `assignments`.
    """

    lab: str = ""
    cluster: Cluster | None = None
    revision: int = -1
    bodies: dict[Key, tuple[str, str]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    put: dict[Key, tuple[str, KubernetesObject]] = field(default_factory=dict)
    assignments: Assignments | None = None
    given: str = ""

    def forget(self) -> None:
        """Begin anew."""
        self.lab, self.cluster, self.revision = "", None, -1
        self.bodies, self.statuses, self.put = {}, {}, {}
        self.assignments, self.given = None, ""
