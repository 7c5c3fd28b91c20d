"""Service and EndpointSlice: the fixed entry, and the addresses behind it.

Source: Kubernetes API reference, core/v1 Service and discovery.k8s.io/v1 EndpointSlice. Lists of addresses and families
are plural from the first day (dual stack), though only IPv4 is programmed yet.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.container import Protocol
from netlab.model.meta import Key, Labels, ObjectMeta
from netlab.model.probe import PortNumber

ServiceType = Literal["ClusterIP", "NodePort", "ExternalName"]
IPFamily = Literal["IPv4", "IPv6"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service. `target_port` is a number or a container port's name; 0 means the same as `port`."""

    port: PortNumber
    name: Annotated[str, "dns-label"] = ""
    protocol: Protocol = "TCP"
    target_port: Annotated[int | str, "target-port"] = 0
    node_port: Annotated[int, "port-or-zero"] = 0
    app_protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """`spec` of a Service. `cluster_ip` is "" (to be assigned), "None" (headless) or an address."""

    type: ServiceType = "ClusterIP"
    selector: Labels = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: Annotated[str, "cluster-ip"] = ""
    cluster_ips: tuple[str, ...] = ()
    ip_families: tuple[IPFamily, ...] = ()
    ip_family_policy: Literal["", "SingleStack"] = ""
    external_name: Annotated[str, "dns-name-or-empty"] = ""
    publish_not_ready_addresses: bool = False
    session_affinity: Literal["None"] = "None"
    internal_traffic_policy: Literal["", "Cluster"] = ""
    external_traffic_policy: Literal["", "Cluster"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service: one fixed IP in front of the Pods its selector finds (N1, N2)."""

    kind: ClassVar[str] = "Service"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    spec: ServiceSpec

    @property
    def key(self) -> Key:
        """The Service's identity."""
        return Key("Service", self.metadata.namespace, self.metadata.name)

    @property
    def is_headless(self) -> bool:
        """True if the Service has no virtual IP by wish."""
        return self.spec.cluster_ip == "None"

    @property
    def has_cluster_ip(self) -> bool:
        """True if the Service has, or is to get, a virtual IP."""
        return self.spec.type != "ExternalName" and not self.is_headless


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConditions:
    """Readiness of one endpoint; absent means ready, serving and not terminating."""

    ready: bool = True
    serving: bool = True
    terminating: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference:
    """A reference to the Pod behind an endpoint."""

    kind: str = "Pod"
    name: str = ""
    namespace: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One backend; only the first address is used, as kube-proxy does."""

    addresses: tuple[Annotated[str, "ip"], ...]
    conditions: EndpointConditions = field(default_factory=EndpointConditions)
    hostname: Annotated[str, "dns-label"] = ""
    node_name: str = ""
    target_ref: ObjectReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPort:
    """One port of a slice; `name` ties it to the Service port of the same name."""

    port: PortNumber
    name: Annotated[str, "dns-label"] = ""
    protocol: Protocol = "TCP"
    app_protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """Backends of the Service named by the label `kubernetes.io/service-name`; every endpoint serves every port."""

    kind: ClassVar[str] = "EndpointSlice"
    api_version: ClassVar[str] = "discovery.k8s.io/v1"
    SERVICE_LABEL: ClassVar[str] = "kubernetes.io/service-name"
    metadata: ObjectMeta
    address_type: IPFamily = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    @property
    def key(self) -> Key:
        """The slice's identity."""
        return Key("EndpointSlice", self.metadata.namespace, self.metadata.name)

    @property
    def service_name(self) -> str:
        """Name of the Service this slice belongs to, in the slice's own namespace; empty if unlabelled."""
        return self.metadata.labels.get(self.SERVICE_LABEL, "")
