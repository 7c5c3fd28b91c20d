"""Environment variables of a container: those of the Services (N8), those of ConfigMaps and Secrets, and its own.

    Service variables  <  envFrom (later sources win)  <  env (later entries win)

Computed when a container starts: Services made later are absent from it (N8), though a restarted container sees them.
`$(NAME)` is replaced here and not by a shell; an unknown name stays as it is; `$$` stands for one `$`.
Source: kubernetes.md 3.1; kubelet envvars.go, kubelet_pods.go (makeEnvironmentVariables), expansion design.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from netlab.desired.assignments import Assignments
from netlab.desired.configuration import Source, configuration, text_at, texts
from netlab.desired.downward import field, named_container, resource
from netlab.desired.kubernetes_service import KUBERNETES
from netlab.model.container import ConfigMapKeySelector, Container, EnvFromSource, EnvVarSource, SecretKeySelector
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.model.resources import NO_AMOUNTS, Amounts
from netlab.model.service import Service
from netlab.netstate.links import socket_text
from netlab.remembered import remembered

REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def environment(
    cluster: Cluster, assignments: Assignments, pod: Pod, container: Container, room: Amounts = NO_AMOUNTS
) -> dict[str, str]:
    """Return the variables of a container in the order in which they come to be: Services', ConfigMaps' and Secrets', its own.

    `room` is what a Node has, which is the limit of a container without one.

    Raises:
        NotFound: a ConfigMap, Secret or key that is not optional does not exist (CreateContainerConfigError), or a field
            path that does not exist is asked for.
    """
    services = service_environment(cluster, assignments, pod.metadata.namespace, links=pod.spec.enable_service_links)
    own: dict[str, str] = {}
    for source in container.env_from:
        own.update(_whole_map(cluster, pod, source))
    for variable in container.env:
        if variable.value_from is None:
            own[variable.name] = expand(variable.value, services | own)
        elif (told := variable.value_from.resource_field_ref) is not None:
            own[variable.name] = resource(named_container(pod, told, container.name), told, room)
        elif (value := _value_from(cluster, assignments, pod, variable.value_from)) is not None:
            own[variable.name] = value
    return services | own


def service_environment(cluster: Cluster, assignments: Assignments, namespace: str, *, links: bool = True) -> dict[str, str]:
    """Return the variables of all Services that a Pod of `namespace` sees: its own namespace's, and default/kubernetes.

    Args:
        cluster: the Services; those without a ClusterIP (headless, ExternalName) have no variables.
        assignments: the ClusterIPs.
        namespace: the Pod's namespace.
        links: `spec.enableServiceLinks`; without it only default/kubernetes is left.
    """
    own = _by_namespace(cluster.services).get(namespace, ()) if links else ()
    api_server = cluster.objects.get(KUBERNETES)
    # A Service `kubernetes` of the Pod's own namespace hides the one of `default`, as in the kubelet.
    some = (api_server, *own) if isinstance(api_server, Service) else own
    seen = {service.metadata.name: service for service in some}
    found: dict[str, str] = {}
    for _, service in sorted(seen.items()):
        if (ip := _cluster_ip(service, assignments)) and service.spec.ports:
            found.update(_service_variables(service, ip))
    return found


@remembered
def _by_namespace(services: tuple[Service, ...]) -> dict[str, list[Service]]:
    found: dict[str, list[Service]] = {}
    for service in services:
        found.setdefault(service.metadata.namespace, []).append(service)
    return found


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Return `text` with each `$(NAME)` replaced by its value; `$$` becomes `$`, what is not a known reference stays."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else variables.get(name, match.group(0))

    return REFERENCE.sub(value, text)


def variable_name(name: str) -> str:
    """Return a Service or port name as part of a variable's name: upper case, `-` and `.` as `_`, no leading digit."""
    upper = name.upper().translate(str.maketrans("-.", "__"))
    return f"_{upper}" if upper[:1].isdigit() else upper


def _service_variables(service: Service, ip: str) -> Iterator[tuple[str, str]]:
    """The variables of one Service in the kubelet's order: host and ports first, then Docker's link variables."""
    prefix, ports = variable_name(service.metadata.name), service.spec.ports
    yield f"{prefix}_SERVICE_HOST", ip
    yield f"{prefix}_SERVICE_PORT", str(ports[0].port)
    for port in ports:
        if port.name:
            yield f"{prefix}_SERVICE_PORT_{variable_name(port.name)}", str(port.port)
    yield f"{prefix}_PORT", f"{ports[0].protocol.lower()}://{socket_text(ip, ports[0].port)}"
    for port in ports:
        group, scheme = f"{prefix}_PORT_{port.port}_{port.protocol}", port.protocol.lower()
        yield group, f"{scheme}://{socket_text(ip, port.port)}"
        yield f"{group}_PROTO", scheme
        yield f"{group}_PORT", str(port.port)
        yield f"{group}_ADDR", ip


def _cluster_ip(service: Service, assignments: Assignments) -> str:
    """The virtual IP, or "" if the Service has none (or none yet)."""
    if not service.has_cluster_ip:
        return ""
    return next(iter(assignments.cluster_ips.get(service.key, ())), service.spec.cluster_ip)


def _whole_map(cluster: Cluster, pod: Pod, source: EnvFromSource) -> dict[str, str]:
    kind: Source = "ConfigMap" if source.config_map_ref else "Secret"
    ref = source.config_map_ref or source.secret_ref
    if ref is None:
        return {}
    found = configuration(cluster, kind, pod.metadata.namespace, ref.name, optional=ref.optional)
    return {source.prefix + key: value for key, value in texts(found).items()} if found else {}


def _value_from(cluster: Cluster, assignments: Assignments, pod: Pod, source: EnvVarSource) -> str | None:
    """The value, or None if an optional source does not exist: then the variable is not set at all."""
    if source.config_map_key_ref is not None:
        return _key(cluster, pod, "ConfigMap", source.config_map_key_ref)
    if source.secret_key_ref is not None:
        return _key(cluster, pod, "Secret", source.secret_key_ref)
    return field(assignments, pod, source.field_ref.field_path) if source.field_ref else None


def _key(cluster: Cluster, pod: Pod, kind: Source, ref: ConfigMapKeySelector | SecretKeySelector) -> str | None:
    found = configuration(cluster, kind, pod.metadata.namespace, ref.name, optional=ref.optional)
    return text_at(found, ref.key, optional=ref.optional) if found else None
