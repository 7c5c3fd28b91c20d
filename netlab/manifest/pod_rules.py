"""What the fields of a Pod's spec demand of each other. Each fault is (field path, message, hint), in Kubernetes' words.

Source: Kubernetes pkg/apis/core/validation (ValidatePodSpec); docs, Volumes and Downward API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netlab.manifest.host_rules import host_network_problems, host_port_problems, machine_problems
from netlab.manifest.probe_rules import hook_problems, probe_problems
from netlab.manifest.resource_rules import resource_field_problems, resource_problems
from netlab.manifest.rules import repeated
from netlab.manifest.security_rules import security_problems, sysctl_problems
from netlab.manifest.taint_rules import toleration_problems
from netlab.manifest.volume_rules import mount_problems, volume_problems
from netlab.model.codec import FieldProblem
from netlab.model.container import Container, EnvVar
from netlab.model.formats import dns_name
from netlab.model.path_formats import absolute_path
from netlab.model.pod import PodDNSConfig, PodSpec
from netlab.model.words import shown

MAX_NAMESERVERS, MAX_SEARCHES = 3, 32
HOST_IMAGE = "host"
IMAGE_HINT = "host, or a name such as redis:7"
COMMAND_HINT = 'image: host has no program of its own; for example command: ["sleep", "infinity"]'
WHOLE_MAPS = ("metadata.labels", "metadata.annotations")
SOURCES = "configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef"


def pod_spec_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of a Pod's spec that is found at `path`."""
    if not spec.containers:
        yield f"{path}.containers", "required", "a Pod has at least one container"
    yield from repeated((item.name for item in spec.containers), f"{path}.containers", "name")
    yield from repeated((item.name for item in spec.init_containers), f"{path}.initContainers", "name")
    names = {item.name for item in spec.containers if item.name}
    for n, container in enumerate(spec.init_containers):
        if container.name in names:
            where = f"{path}.initContainers[{n}].name"
            yield where, f"{shown(container.name)} is already used by a container", "give it another name"
    yield from volume_problems(spec, path)
    volumes = {volume.name: n for n, volume in enumerate(spec.volumes)}
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for n, container in enumerate(containers):
            yield from _container_problems(container, f"{path}.{field}[{n}]", volumes)
            lasts = field == "containers" or container.is_sidecar
            yield from probe_problems(container, f"{path}.{field}[{n}]", lasts=lasts)
            yield from hook_problems(container, f"{path}.{field}[{n}]", spec.termination_grace_period_seconds, lasts=lasts)
    for n, container in enumerate(spec.containers):
        if container.restart_policy:
            why = "may not be set for non-init containers"
            yield f"{path}.containers[{n}].restartPolicy", why, "the Pod has a restartPolicy for all of them"
    yield from _dns_problems(spec, f"{path}.dnsConfig")
    yield from toleration_problems(spec.tolerations, f"{path}.tolerations")
    yield from machine_problems(spec, path)
    yield from host_port_problems(spec, path)
    yield from host_network_problems(spec, path)
    yield from sysctl_problems(spec, f"{path}.securityContext.sysctls")
    if spec.node_name and (message := dns_name(spec.node_name)):
        yield f"{path}.nodeName", f"{message}, is {shown(spec.node_name)}", ""


def _dns_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    config = spec.dns_config or PodDNSConfig()
    if spec.dns_policy == "None" and not config.nameservers:
        yield (
            f"{path}.nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
            "for example 192.0.2.53",
        )
    for field, found, most in (
        ("nameservers", config.nameservers, MAX_NAMESERVERS), ("searches", config.searches, MAX_SEARCHES)
    ):  # fmt: skip
        if len(found) > most:
            yield f"{path}.{field}", f"must not have more than {most} {field}", f"leave out {len(found) - most} of them"
    for n, option in enumerate(config.options):
        if not option.name or any(char.isspace() or char == ":" for char in option.name + option.value):
            yield f"{path}.options[{n}]", "must be one word, without a colon in it", "for example name: ndots, value: '2'"


def _container_problems(container: Container, path: str, volumes: Mapping[str, int]) -> Iterator[FieldProblem]:
    if not container.image:
        yield f"{path}.image", "required", IMAGE_HINT
    elif container.image != container.image.strip():
        yield f"{path}.image", "must not have leading or trailing whitespace", IMAGE_HINT
    if container.image == HOST_IMAGE and not container.command:
        yield f"{path}.command", "required", COMMAND_HINT
    elif container.command and not container.command[0]:
        yield f"{path}.command[0]", "must be a program, is empty", ""
    if container.working_dir and (message := absolute_path(container.working_dir)):
        yield f"{path}.workingDir", f"{message}, is {shown(container.working_dir)}", ""
    for n, variable in enumerate(container.env):
        yield from _env_problems(variable, f"{path}.env[{n}]")
    for n, whole in enumerate(container.env_from):
        if (whole.config_map_ref is None) is (whole.secret_ref is None):
            yield f"{path}.envFrom[{n}]", "must specify one of: `configMapRef` or `secretRef`", "exactly one of them"
    yield from resource_problems(container.resources, f"{path}.resources")
    yield from security_problems(container.security_context, f"{path}.securityContext")
    yield from repeated((item.name for item in container.ports), f"{path}.ports", "name")
    yield from mount_problems(container.volume_mounts, volumes, f"{path}.volumeMounts")


def _env_problems(variable: EnvVar, path: str) -> Iterator[FieldProblem]:
    source = variable.value_from
    if source is None:
        return
    if variable.value:
        yield f"{path}.valueFrom", "may not be specified when value is not empty", ""
    if source.field_ref is not None and source.field_ref.field_path in WHOLE_MAPS:
        hint = f"{source.field_ref.field_path}['KEY']"
        yield f"{path}.valueFrom.fieldRef.fieldPath", f"a variable may only be one of {source.field_ref.field_path}", hint
    if source.resource_field_ref is not None:
        yield from resource_field_problems(source.resource_field_ref, f"{path}.valueFrom.resourceFieldRef")
    found = (source.config_map_key_ref, source.secret_key_ref, source.field_ref, source.resource_field_ref)
    sources = [one for one in found if one is not None]
    if not sources:
        yield f"{path}.valueFrom", f"must specify one of: {SOURCES}", ""
    if len(sources) > 1:
        yield f"{path}.valueFrom", "may not have more than one field specified at a time", SOURCES
