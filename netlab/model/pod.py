"""Pod: one isolation unit with one or more containers that share network, IPC, UTS and (by default here) PID namespaces.

Source: Kubernetes API reference, core/v1 Pod.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.container import Container
from netlab.model.meta import DnsName, Key, Labels, ObjectMeta
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.security import PodSecurityContext
from netlab.model.taint import Toleration
from netlab.model.volume import Volume

RestartPolicy = Literal["Always", "OnFailure", "Never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAlias:
    """Names for an address in the /etc/hosts of the Pod's containers."""

    ip: Annotated[str, "ip"]
    hostnames: tuple[DnsName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodDNSConfigOption:
    """One word of the line `options` of /etc/resolv.conf: `name:value`, or `name` alone."""

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodDNSConfig:
    """What is added to the /etc/resolv.conf that follows from dnsPolicy; with dnsPolicy None, all that stands in it."""

    nameservers: tuple[Annotated[str, "ip"], ...] = ()
    searches: tuple[Annotated[str, "dns-search"], ...] = ()
    options: tuple[PodDNSConfigOption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSpec:
    """`spec` of a Pod. `share_process_namespace` is true by default, as the notes say (N11).

    `init_containers` run one after the other before all others, but for sidecars, which start in their turn and go on.
    """

    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    restart_policy: RestartPolicy = "Always"
    node_name: str = ""
    node_selector: Labels = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    hostname: Annotated[str, "dns-label"] = ""
    subdomain: Annotated[str, "dns-label"] = ""
    set_hostname_as_fqdn: bool = False
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    termination_grace_period_seconds: Annotated[int, "non-negative"] = 30
    share_process_namespace: bool = True
    enable_service_links: bool = True
    dns_policy: Literal["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] = "ClusterFirst"
    dns_config: PodDNSConfig | None = None
    host_aliases: tuple[HostAlias, ...] = ()
    security_context: PodSecurityContext | None = None
    active_deadline_seconds: Annotated[int, "positive"] | None = None

    @property
    def sidecars(self) -> tuple[Container, ...]:
        """Init containers that go on running."""
        return tuple(container for container in self.init_containers if container.is_sidecar)

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """Init containers, then the others, in the order in which they start."""
        return (*self.init_containers, *self.containers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A Pod."""

    kind: ClassVar[str] = "Pod"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    spec: PodSpec
    status: PodStatus = field(default_factory=PodStatus)

    @property
    def key(self) -> Key:
        """The Pod's identity."""
        return Key("Pod", self.metadata.namespace, self.metadata.name)

    @property
    def is_ready(self) -> bool:
        """True while the Pod serves and is not being deleted."""
        return self.is_serving and not self.metadata.deletion_timestamp

    @property
    def is_serving(self) -> bool:
        """True while the Pod runs and all its lasting containers are ready, also while it is being deleted."""
        return self.status.phase == "Running" and all(status.ready for status in self.lasting_statuses)

    @property
    def lasting_statuses(self) -> tuple[ContainerStatus, ...]:
        """What is known of those containers that run as long as the Pod: sidecars and the others, but not init containers."""
        names = {container.name for container in self.spec.sidecars}
        return (*(one for one in self.status.init_container_statuses if one.name in names), *self.status.container_statuses)

    @property
    def all_statuses(self) -> tuple[ContainerStatus, ...]:
        """What is known of all containers, init containers first."""
        return (*self.status.init_container_statuses, *self.status.container_statuses)
