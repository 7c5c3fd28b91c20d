"""Event: something that happened to an object, for a human who asks why. `Normal` or `Warning`, a one-word reason, a sentence.

Events are made by the lab and never by a manifest. The words are the kubelet's, the scheduler's and the controllers'.
Source: Kubernetes API reference, core/v1 Event.
"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.meta import Key, ObjectMeta

EventType = Literal["Normal", "Warning"]

# Who says so, by the kind of the object, or by the reason; all else is the kubelet's. In netlab they are all one program.
SPEAKERS = {kind: f"{kind.lower()}-controller" for kind in ("Deployment", "ReplicaSet", "DaemonSet", "Job")} | {"Lab": "netlab"}
COMPONENTS = {
    "Scheduled": "default-scheduler",
    "FailedScheduling": "default-scheduler",
    "NodeNotReady": "node-controller",
    "RegisteredNode": "node-controller",
    "TaintManagerEviction": "taint-eviction-controller",
    "FailedToStartServiceHealthcheck": "kube-proxy",
    "FailedToStartProxierHealthcheck": "kube-proxy",
    "RulesRepaired": "kube-proxy",
    "SyncLoadBalancerFailed": "service-controller",
    "ConntrackFull": "kernel-monitor",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvolvedObject:
    """The object that something happened to."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """The component that reports the Event."""

    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to `involved_object`, `count` times between two moments (RFC 3339 in UTC)."""

    kind: ClassVar[str] = "Event"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    involved_object: InvolvedObject
    type: EventType
    reason: str
    message: str
    source: EventSource = field(default_factory=EventSource)
    first_timestamp: str = ""
    last_timestamp: str = ""
    count: int = 1

    @property
    def key(self) -> Key:
        """The Event's identity."""
        return Key("Event", self.metadata.namespace, self.metadata.name)

    @property
    def about(self) -> Key:
        """The identity of the object that it happened to."""
        return Key(self.involved_object.kind, self.involved_object.namespace, self.involved_object.name)


def event_of(about: Key, type_: EventType, reason: str, message: str) -> Event:
    """Return what is to be recorded of `about`; name, times and count are the store's to give."""
    return Event(
        metadata=ObjectMeta(name=about.name, namespace=about.namespace or "default"),
        involved_object=InvolvedObject(kind=about.kind, namespace=about.namespace, name=about.name),
        type=type_,
        reason=reason,
        message=message,
        source=EventSource(component=SPEAKERS.get(about.kind) or COMPONENTS.get(reason, "kubelet")),
    )
