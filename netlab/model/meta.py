"""What all objects have in common: metadata, and the key under which an object is known.

Source: Kubernetes API conventions (metadata); RFC 1123 for names.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal, NamedTuple

from netlab.frozen import dataclass

LabelKey = Annotated[str, "label-key"]
Labels = dict[LabelKey, Annotated[str, "label-value"]]
Annotations = dict[LabelKey, str]
DnsLabel = Annotated[str, "dns-label"]
DnsName = Annotated[str, "dns-name"]


class Key(NamedTuple):
    """The identity of an object: `Key("Pod", "default", "web")`; `namespace` is empty for Namespace and Node."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerReference:
    """Which object created this one, and is to be deleted with it."""

    kind: str
    name: str
    uid: str = ""
    api_version: str = "apps/v1"
    controller: bool = True
    block_owner_deletion: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMeta:
    """`metadata`. Times are RFC 3339 in UTC with seconds (`2026-01-31T12:00:00Z`); they and `uid` are set by the store."""

    name: DnsName
    namespace: Annotated[str, "dns-label"] = ""
    labels: Labels = field(default_factory=dict)
    annotations: Annotations = field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()
    uid: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    deletion_grace_period_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One fact about an object that is true or not, since when (RFC 3339), and why; `kubectl wait` waits for these."""

    type: str
    status: Literal["True", "False", "Unknown"]
    last_transition_time: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelectorRequirement:
    """One demand on a label: its value is, or is not, one of `values`; or it is there, or not."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[Annotated[str, "label-value"], ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Tell whether these labels meet the demand; a label that is not there is in no set."""
        found = labels.get(self.key)
        match self.operator:
            case "In":
                return found in self.values
            case "NotIn":
                return found not in self.values
            case "Exists":
                return found is not None
            case "DoesNotExist":
                return found is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """A selector by equality (`matchLabels`) and by sets; all must hold. An empty selector matches nothing here."""

    match_labels: Labels = field(default_factory=dict)
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Tell whether an object with these labels is meant."""
        if not self.match_labels:
            return bool(self.match_expressions) and all(one.matches(labels) for one in self.match_expressions)
        return selects(self.match_labels, labels) and all(one.matches(labels) for one in self.match_expressions)


def selects(selector: Labels, labels: Labels) -> bool:
    """Tell whether every pair of a non-empty `selector` is in `labels` (Service `.spec.selector` semantics)."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
