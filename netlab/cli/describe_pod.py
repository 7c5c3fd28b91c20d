"""What `describe` says of a Pod, and of the Pod template of a Deployment. Source: kubectl describe (v1.32)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from netlab.cli.describe_node import toleration_words
from netlab.cli.describe_probe import probe_lines
from netlab.cli.describe_resources import requirement_lines
from netlab.cli.describe_volumes import volume_lines
from netlab.cli.tabbed import NONE, headed, listed, long_time, mapping
from netlab.desired.downward import resource
from netlab.errors import NotFound
from netlab.model.container import Container, EnvVar, ResourceFieldSelector
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStatus
from netlab.model.resources import NO_AMOUNTS, qos_class
from netlab.model.workload import PodTemplateSpec

POD_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def pod_lines(pod: Pod) -> Iterator[str]:
    """Yield what there is to say of a Pod behind its name and Namespace."""
    spec, status = pod.spec, pod.status
    yield f"Node:\t{spec.node_name or NONE}{f'/{status.host_ips[0]}' if spec.node_name and status.host_ips else ''}"
    if status.start_time:
        yield f"Start Time:\t{long_time(status.start_time)}"
    yield from mapping("Labels", pod.metadata.labels)
    yield from mapping("Annotations", pod.metadata.annotations, sign=": ")
    if pod.metadata.deletion_timestamp and status.phase not in FINAL_PHASES:
        yield "Status:\tTerminating"
        yield f"Termination Grace Period:\t{pod.metadata.deletion_grace_period_seconds}s"
    else:
        yield f"Status:\t{status.phase}"
    yield from (f"{label}:\t{text}" for label, text in (("Reason", status.reason), ("Message", status.message)) if text)
    yield f"IP:\t{', '.join(status.pod_ips[:1])}"
    yield headed("IPs", status.pod_ips)
    yield from (f"  IP:\t{ip}" for ip in status.pod_ips)
    yield from (f"Controlled By:\t{owner.kind}/{owner.name}" for owner in pod.metadata.owner_references if owner.controller)
    statuses = {item.name: item for item in pod.all_statuses}
    if spec.init_containers:
        yield from _containers(spec.init_containers, statuses, label="Init Containers")
    yield from _containers(spec.containers, statuses)
    kinds = {condition.type: condition.status for condition in status.conditions}
    if kinds:
        yield "Conditions:"
        yield "  Type\tStatus"
        yield from (f"  {kind}\t{kinds[kind]}" for kind in POD_CONDITIONS if kind in kinds)
    yield from volume_lines(spec.volumes)
    yield f"QoS Class:\t{status.qos_class or qos_class(spec)}"
    yield from mapping("Node-Selectors", spec.node_selector)
    yield from listed("Tolerations", toleration_words(spec.tolerations))


def template_lines(template: PodTemplateSpec) -> Iterator[str]:
    """Yield the section `Pod Template:` of a workload."""
    yield "Pod Template:"
    yield from mapping("Labels", template.metadata.labels, indent="  ")
    if template.metadata.annotations:
        yield from mapping("Annotations", template.metadata.annotations, sign=": ", indent="  ")
    if template.spec.init_containers:
        yield from _containers(template.spec.init_containers, None, indent="  ", label="Init Containers")
    yield from _containers(template.spec.containers, None, indent="  ")
    yield from volume_lines(template.spec.volumes, indent="  ")
    yield from mapping("Node-Selectors", template.spec.node_selector, indent="  ")
    yield from listed("  Tolerations", toleration_words(template.spec.tolerations))


def _containers(
    containers: Sequence[Container],
    statuses: Mapping[str, ContainerStatus] | None,
    indent: str = "",
    label: str = "Containers",
) -> Iterator[str]:
    """Each container below its name. `statuses` is None in a template, whose names stand one space further right only."""
    yield f"{indent}{label}:"
    for container in containers:
        yield f"{indent}{' ' if indent else '  '}{container.name}:"
        status = None if statuses is None else statuses.get(container.name, ContainerStatus(name=container.name))
        yield from (f"    {line}" for line in _container(container, status))
        if status is not None:
            yield from (f"    {line}" for line in _state(status))
        yield from (f"    {line}" for line in requirement_lines(container.resources))
        yield from (f"    {line}" for line in _inside(container))


def _container(container: Container, status: ContainerStatus | None) -> Iterator[str]:
    if status is not None:
        yield f"Container ID:\t{status.container_id}"
    yield f"Image:\t{container.image}"
    if status is not None:
        yield f"Image ID:\t{status.image_id}"
    plural = "s" if len(container.ports) > 1 else ""
    ports = ", ".join(f"{port.container_port}/{port.protocol}" for port in container.ports)
    of_node = ", ".join(f"{port.host_port}/{port.protocol}" for port in container.ports)
    yield f"Port{plural}:\t{ports or NONE}"
    yield f"Host Port{plural}:\t{of_node or NONE}"
    for label, words in (("Command", container.command), ("Args", container.args)):
        if words:
            yield f"{label}:"
            yield from (f"  {line}" for word in words for line in word.split("\n"))


def _state(status: ContainerStatus) -> Iterator[str]:
    """What was last seen of a container, and how the run before ended."""
    yield f"State:\t{status.state.capitalize()}"
    if status.state != "running":
        yield from _why(status.reason, status.message)
    if status.state == "terminated":
        yield from _end(status.exit_code, status.started_at, status.finished_at)
    elif status.state == "running":
        yield f"  Started:\t{long_time(status.started_at)}"
    if status.last_state is not None:
        yield "Last State:\tTerminated"
        yield from _why(status.last_state.reason, status.last_state.message)
        yield from _end(status.last_state.exit_code, status.last_state.started_at, status.last_state.finished_at)
    yield f"Ready:\t{status.ready}"
    yield f"Restart Count:\t{status.restart_count}"


def _why(reason: str, message: str) -> Iterator[str]:
    if reason:
        yield f"  Reason:\t{reason}"
    if message:
        yield from listed("  Message", message.splitlines())


def _end(code: int | None, started_at: str, finished_at: str) -> Iterator[str]:
    yield f"  Exit Code:\t{code}"
    yield f"  Started:\t{long_time(started_at)}"
    yield f"  Finished:\t{long_time(finished_at)}"


def _inside(container: Container) -> Iterator[str]:
    yield from probe_lines(container)
    if container.env_from:
        yield "Environment Variables from:"
        for source in container.env_from:
            kind, ref = ("ConfigMap", source.config_map_ref) if source.config_map_ref else ("Secret", source.secret_ref)
            prefix = f" with prefix '{source.prefix}'" if source.prefix else ""
            if ref is not None:
                yield f"  {ref.name}\t{kind}{prefix}\tOptional: {str(ref.optional).lower()}"
    yield headed("Environment", container.env)
    yield from (f"  {variable.name}:\t{_value(variable, container)}" for variable in container.env)
    yield headed("Mounts", container.volume_mounts)
    for mount in sorted(container.volume_mounts, key=lambda item: item.mount_path):
        part = f",path={json.dumps(mount.sub_path, ensure_ascii=False)}" if mount.sub_path else ""
        yield f"  {mount.mount_path} from {mount.name} ({'ro' if mount.read_only else 'rw'}{part})"


def _value(variable: EnvVar, container: Container) -> str:
    """Return a variable's value, or in words where it comes from."""
    source = variable.value_from
    if source is not None and source.config_map_key_ref is not None:
        ref = source.config_map_key_ref
        return f"<set to the key '{ref.key}' of config map '{ref.name}'>\tOptional: {str(ref.optional).lower()}"
    if source is not None and source.secret_key_ref is not None:
        key = source.secret_key_ref
        return f"<set to the key '{key.key}' in secret '{key.name}'>\tOptional: {str(key.optional).lower()}"
    if source is not None and source.field_ref is not None:
        return f" ({source.field_ref.api_version}:{source.field_ref.field_path})"
    if source is not None and source.resource_field_ref is not None:
        return f"{_amount(source.resource_field_ref, container)} ({source.resource_field_ref.resource})"
    return variable.value


def _amount(told: ResourceFieldSelector, container: Container) -> str:
    """Kubectl looks at this container whichever is named, and knows no Node."""
    try:
        return resource(container, told, NO_AMOUNTS)
    except NotFound:
        return "node allocatable"
