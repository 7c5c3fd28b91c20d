"""Endpoints: the older form of EndpointSlices, one object for a whole Service and of the same name.

Source: Kubernetes API reference, core/v1 Endpoints (deprecated since 1.33, not to be removed).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from netlab.frozen import dataclass
from netlab.model.meta import Key, ObjectMeta
from netlab.model.service import EndpointPort, ObjectReference


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAddress:
    """One backend."""

    ip: Annotated[str, "ip"]
    hostname: Annotated[str, "dns-label"] = ""
    node_name: str = ""
    target_ref: ObjectReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSubset:
    """Backends with the same ports: each address serves each port."""

    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Backends of the Service of the same name and Namespace."""

    kind: ClassVar[str] = "Endpoints"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    subsets: tuple[EndpointSubset, ...] = ()

    @property
    def key(self) -> Key:
        """The object's identity."""
        return Key("Endpoints", self.metadata.namespace, self.metadata.name)
