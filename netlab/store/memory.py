"""What a process has read of a lab, so that it reads only the rest: a change of one object of 20,000 takes no second.

Objects are found by the revision of their last change, statuses by their text, choices by their number; objects that were
deleted show in the count. Nothing here is newer than the file: after a rollback all is forgotten.
"""

from __future__ import annotations

from netlab.desired.assignments import Assignments
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key


class Memory:
    """One process' memory of one lab; several Stores may use it, one after the other.

    `revision` is up to which `cluster` was read, `bodies` the text and uid of each object, `statuses` those texts by uid;
    `put` are the objects that were put there since, with their text; `given` is the number of the `assignments`.
    """

    __slots__ = ("assignments", "bodies", "cluster", "given", "lab", "put", "revision", "statuses")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.lab, self.revision = "", -1
        self.cluster: Cluster | None = None
        self.bodies: dict[Key, tuple[str, str]] = {}
        self.statuses: dict[str, str] = {}
        self.put: dict[Key, tuple[str, KubernetesObject]] = {}
        self.assignments: Assignments | None = None
        self.given = ""
