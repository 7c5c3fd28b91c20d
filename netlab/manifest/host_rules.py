"""What a Pod may ask of its Node's own ports and namespaces.

Source: Kubernetes pkg/apis/core/validation (AccumulateUniqueHostPorts, validateHostNetwork, validateSysctls).
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.codec import FieldProblem
from netlab.model.pod import PodSpec
from netlab.model.words import shown

# Fields that would lead out of the lab, and to what.
OF_THE_MACHINE = (("hostPID", "host_pid", "processes"), ("hostIPC", "host_ipc", "shared memory and semaphores"))


def machine_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    """Yield a fault for each namespace of the machine itself that the Pod whose spec is found at `path` wants to be in."""
    for field, name, what in OF_THE_MACHINE:
        if getattr(spec, name):
            message = f"the {what} are the machine's, on which all Nodes run, and not a Node's"
            yield f"{path}.{field}", message, "leave it out; the containers of one Pod share theirs"


def host_port_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    """Yield a fault for each port of the Node that the Pod whose spec is found at `path` wants twice, or cannot have."""
    first: dict[tuple[str, str, int], str] = {}
    for n, container in enumerate(spec.containers):
        for m, port in enumerate(container.ports):
            where = f"{path}.containers[{n}].ports[{m}].hostPort"
            if spec.host_network and port.host_port not in {0, port.container_port}:
                yield where, "must match `containerPort` when `hostNetwork` is true", "leave it out"
            earlier = first.setdefault((port.protocol, port.host_ip, port.host_port), where)
            if port.host_port and earlier != where:
                yield where, f"{port.protocol} {port.host_port} is already used by {earlier}", "one port leads to one container"


def host_network_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    """Yield a fault for each kernel parameter of a network that a Pod without one of its own wants to set."""
    wished = spec.security_context.sysctls if spec.security_context and spec.host_network else ()
    for n, one in enumerate(wished):
        if one.name.startswith("net."):
            where = f"{path}.securityContext.sysctls[{n}].name"
            yield where, f"{shown(one.name)} may not be specified when 'hostNetwork' is true", "it would be the Node's"
