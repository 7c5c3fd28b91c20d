"""Service and EndpointSlice: the fixed entry, and the addresses behind it.

Source: Kubernetes API reference, core/v1 Service and discovery.k8s.io/v1 EndpointSlice.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.container import Protocol
from netlab.model.families import IPFamily
from netlab.model.meta import Key, Labels, ObjectMeta
from netlab.model.probe import PortNumber

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]
IPFamilyPolicy = Literal["", "SingleStack", "PreferDualStack", "RequireDualStack"]
TrafficPolicy = Literal["", "Cluster", "Local"]
TrafficDistribution = Literal["", "PreferClose", "PreferSameZone", "PreferSameNode"]
IPMode = Literal["VIP", "Proxy"]
AFFINITY_SECONDS = 10800


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
class ClientIPConfig:
    """How many seconds after its last new connection a client is forgotten: from 1 to 86400."""

    timeout_seconds: Annotated[int, "affinity-seconds"] = AFFINITY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAffinityConfig:
    """How clients are remembered; only for sessionAffinity ClientIP."""

    client_ip: ClientIPConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """`spec` of a Service. `cluster_ip` is "" (to be assigned), "None" (headless) or an address."""

    type: ServiceType = "ClusterIP"
    selector: Labels = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: Annotated[str, "cluster-ip"] = ""
    cluster_ips: tuple[str, ...] = ()
    ip_families: tuple[IPFamily, ...] = ()
    ip_family_policy: IPFamilyPolicy = ""
    external_name: Annotated[str, "dns-name-or-empty"] = ""
    external_ips: tuple[Annotated[str, "ip"], ...] = ()
    load_balancer_ip: Annotated[str, "ip-or-empty"] = ""
    load_balancer_source_ranges: tuple[Annotated[str, "source-range"], ...] = ()
    load_balancer_class: str = ""
    allocate_load_balancer_node_ports: bool | None = None
    health_check_node_port: Annotated[int, "port-or-zero"] = 0
    publish_not_ready_addresses: bool = False
    session_affinity: Literal["None", "ClientIP"] = "None"
    session_affinity_config: SessionAffinityConfig | None = None
    internal_traffic_policy: TrafficPolicy = ""
    external_traffic_policy: TrafficPolicy = ""
    traffic_distribution: TrafficDistribution = ""

    @property
    def is_written_by_hand(self) -> bool:
        """True if nothing is translated and nothing selected: a headless Service without a selector."""
        return self.cluster_ip == "None" and not self.selector


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerIngress:
    """One address of a load balancer. `ip_mode` VIP: Nodes translate it themselves; Proxy: they leave it to the balancer."""

    ip: str
    ip_mode: IPMode = "VIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerStatus:
    """The addresses of a load balancer; none while it has none."""

    ingress: tuple[LoadBalancerIngress, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """`status` of a Service."""

    load_balancer: LoadBalancerStatus = field(default_factory=LoadBalancerStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service: one fixed IP in front of the Pods its selector finds (N1, N2)."""

    kind: ClassVar[str] = "Service"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    spec: ServiceSpec
    status: ServiceStatus = field(default_factory=ServiceStatus)

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

    @property
    def has_node_ports(self) -> bool:
        """True if any of its ports has, or is to get, a port of every Node."""
        return self.spec.type in {"NodePort", "LoadBalancer"} and any(map(self.has_node_port, self.spec.ports))

    def has_node_port(self, port: ServicePort) -> bool:
        """Tell whether one of its ports has, or is to get, a port of every Node: one that is wished for is never left out."""
        is_given = self.spec.allocate_load_balancer_node_ports is not False or port.node_port != 0
        return self.spec.type == "NodePort" or (self.spec.type == "LoadBalancer" and is_given)

    @property
    def has_health_check(self) -> bool:
        """True if Nodes are to say, at a port of theirs, whether a load balancer can send them its packets."""
        return self.spec.type == "LoadBalancer" and self.spec.external_traffic_policy == "Local"

    @property
    def is_external(self) -> bool:
        """True if it can be reached from outside the cluster, so that externalTrafficPolicy says something."""
        return self.spec.type in {"NodePort", "LoadBalancer"} or bool(self.spec.external_ips)

    @property
    def affinity_seconds(self) -> int:
        """How long a client keeps its endpoint, in seconds; 0 without session affinity."""
        if self.spec.session_affinity == "None":
            return 0
        config = self.spec.session_affinity_config
        return config.client_ip.timeout_seconds if config and config.client_ip else AFFINITY_SECONDS


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
class ForZone:
    """A zone in which clients are to use an endpoint."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForNode:
    """A Node on which clients are to use an endpoint."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHints:
    """Whose clients are to use an endpoint (KEP-2433, KEP-3015)."""

    for_zones: tuple[ForZone, ...] = ()
    for_nodes: tuple[ForNode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One backend; only the first address is used, as kube-proxy does."""

    addresses: tuple[Annotated[str, "ip"], ...]
    conditions: EndpointConditions = field(default_factory=EndpointConditions)
    hostname: Annotated[str, "dns-label"] = ""
    node_name: str = ""
    zone: str = ""
    hints: EndpointHints | None = None
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
