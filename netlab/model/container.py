"""Container: one program of a Pod, with its variables, ports and mounts.

Source: Kubernetes API reference, core/v1 Container.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from netlab.frozen import dataclass
from netlab.model.meta import DnsLabel
from netlab.model.probe import Lifecycle, PortNumber, Probe
from netlab.model.resources import ResourceRequirements
from netlab.model.security import SecurityContext

Protocol = Literal["TCP", "UDP", "SCTP"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapKeySelector:
    """One key of a ConfigMap, as the source of one environment variable."""

    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeySelector:
    """One key of a Secret, as the source of one environment variable."""

    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFieldSelector:
    """A field of the Pod itself: metadata.name, metadata.namespace, metadata.uid, spec.nodeName, status.podIP, ..."""

    field_path: Annotated[str, "field-path"]
    api_version: str = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFieldSelector:
    """What a container asks for or may use at most, `limits.cpu` or `requests.memory`, in multiples of `divisor`, rounded up.

    The divisor 0 stands for 1: one processor, one byte. Without a name the container is the one whose variable it is.
    """

    resource: Annotated[str, "resource-field"]
    container_name: str = ""
    divisor: Annotated[str, "quantity"] = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVarSource:
    """Where an environment variable's value comes from; exactly one field is set."""

    config_map_key_ref: ConfigMapKeySelector | None = None
    secret_key_ref: SecretKeySelector | None = None
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None


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
class SecretRef:
    """A whole Secret by name."""

    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFromSource:
    """All keys of a ConfigMap or of a Secret as environment variables, each name prefixed with `prefix`."""

    config_map_ref: ConfigMapRef | None = None
    secret_ref: SecretRef | None = None
    prefix: Annotated[str, "env-name"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A port a container listens on; informative, except for a Service that refers to its `name`, and for `host_port`.

    Connections to `host_port` of the Pod's Node lead to it; 0: none do.
    """

    container_port: PortNumber
    name: Annotated[str, "port-name"] = ""
    protocol: Protocol = "TCP"
    host_port: Annotated[int, "port-or-zero"] = 0
    host_ip: Annotated[str, "ip"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """Where one of the Pod's volumes appears inside this container."""

    name: str
    mount_path: Annotated[str, "mount-path"]
    read_only: bool = False
    recursive_read_only: Literal["", "Disabled", "IfPossible", "Enabled"] = ""
    mount_propagation: Literal["", "None", "HostToContainer"] = ""
    sub_path: Annotated[str, "sub-path"] = ""
    sub_path_expr: str = ""


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
    resources: ResourceRequirements = field(default_factory=ResourceRequirements)
    security_context: SecurityContext | None = None
    volume_mounts: tuple[VolumeMount, ...] = ()
    image_pull_policy: Literal["", "Always", "IfNotPresent", "Never"] = ""
    restart_policy: Literal["", "Always"] = ""
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: Annotated[str, "absolute-path"] = "/dev/termination-log"
    termination_message_policy: Literal["File", "FallbackToLogsOnError"] = "File"

    @property
    def is_sidecar(self) -> bool:
        """Tell whether this init container goes on running beside the others."""
        return self.restart_policy == "Always"
