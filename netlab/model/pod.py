"""Pod: one isolation unit with one or more containers that share network, IPC, UTS and (by default here) PID namespaces.

Source: Kubernetes API reference, core/v1 Pod. Probes and images other than `host` are not here yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from netlab.model.meta import Condition, DnsLabel, DnsName, Key, Labels, ObjectMeta

Protocol = Literal["TCP", "UDP"]
PortNumber = Annotated[int, "port"]
RestartPolicy = Literal["Always", "OnFailure", "Never"]
PodPhase = Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapKeySelector:
    """One key of a ConfigMap, as the source of one environment variable."""

    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFieldSelector:
    """A field of the Pod itself: metadata.name, metadata.namespace, metadata.uid, spec.nodeName, status.podIP, ..."""

    field_path: Annotated[str, "field-path"]
    api_version: str = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVarSource:
    """Where an environment variable's value comes from; exactly one field is set."""

    config_map_key_ref: ConfigMapKeySelector | None = None
    field_ref: ObjectFieldSelector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One environment variable; `$(NAME)` in `value` refers to variables defined before it."""

    name: Annotated[str, "env-name"]
    value: str = ""
    value_from: EnvVarSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapRef:
    """A whole ConfigMap by name."""

    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFromSource:
    """All keys of a ConfigMap as environment variables, each name prefixed with `prefix`."""

    config_map_ref: ConfigMapRef
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A port a container listens on; informative, except that a Service may refer to its `name`."""

    container_port: PortNumber
    name: Annotated[str, "port-name"] = ""
    protocol: Protocol = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """Where one of the Pod's volumes appears inside this container."""

    name: str
    mount_path: Annotated[str, "mount-path"]
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One program with its own mount namespace. `image: host` is the VM's own programs over a private writable layer.

    `restart_policy` is an init container's only: with Always it is a sidecar, which runs beside all that come after it.
    """

    name: DnsLabel
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    image_pull_policy: Literal["", "Always", "IfNotPresent", "Never"] = ""
    restart_policy: Literal["", "Always"] = ""
    termination_message_path: Annotated[str, "absolute-path"] = "/dev/termination-log"
    termination_message_policy: Literal["File", "FallbackToLogsOnError"] = "File"

    @property
    def is_sidecar(self) -> bool:
        """Tell whether this init container goes on running beside the others."""
        return self.restart_policy == "Always"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDirVolume:
    """A directory that lives as long as the Pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPathVolume:
    """A path of the VM. Without a `type` nothing is checked or created."""

    path: Annotated[str, "absolute-path"]
    type: Literal["", "Directory", "DirectoryOrCreate", "File"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume of the Pod; its containers share files through it. Exactly one source is set."""

    name: DnsLabel
    empty_dir: EmptyDirVolume | None = None
    host_path: HostPathVolume | None = None


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
    hostname: Annotated[str, "dns-label"] = ""
    subdomain: Annotated[str, "dns-label"] = ""
    termination_grace_period_seconds: Annotated[int, "non-negative"] = 30
    share_process_namespace: bool = True
    enable_service_links: bool = True
    dns_policy: Literal["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] = "ClusterFirst"
    dns_config: PodDNSConfig | None = None
    host_aliases: tuple[HostAlias, ...] = ()
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
class ContainerStateTerminated:
    """How a run of a container ended. Times are RFC 3339."""

    exit_code: int
    reason: str = ""
    message: str = ""
    started_at: str = ""
    finished_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStatus:
    """What is known of one container. `state` is waiting, running or terminated; times are RFC 3339.

    A waiting one has `reason` and `message` alone. `last_state` is how the run before the present one ended, or, of a waiting
    container, the run before the next.
    """

    name: str
    state: Literal["waiting", "running", "terminated"] = "waiting"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: str = ""
    finished_at: str = ""
    restart_count: int = 0
    last_state: ContainerStateTerminated | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """`status` of a Pod, decided by `lifecycle` from what the containers really did. `conditions` follow from the rest."""

    phase: PodPhase = "Pending"
    reason: str = ""
    message: str = ""
    pod_ips: tuple[str, ...] = ()
    host_ip: str = ""
    start_time: str = ""
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()


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
        """True while the Pod runs, all containers run, and it is not being deleted (there are no probes yet)."""
        running = self.status.phase == "Running" and not self.metadata.deletion_timestamp
        return running and all(status.state == "running" for status in self.lasting_statuses)

    @property
    def lasting_statuses(self) -> tuple[ContainerStatus, ...]:
        """What is known of those containers that run as long as the Pod: sidecars and the others, but not init containers."""
        names = {container.name for container in self.spec.sidecars}
        return (*(one for one in self.status.init_container_statuses if one.name in names), *self.status.container_statuses)

    @property
    def all_statuses(self) -> tuple[ContainerStatus, ...]:
        """What is known of all containers, init containers first."""
        return (*self.status.init_container_statuses, *self.status.container_statuses)
