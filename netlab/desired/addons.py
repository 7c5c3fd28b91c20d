"""What every lab has from the start: its Namespaces, its Nodes, and the cluster DNS, a Pod like any other behind a Service.

Source: Kubernetes docs, DNS for Services and Pods; the manifest of CoreDNS for the names and labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netlab.desired.assignments import Assignments
from netlab.model.container import Container, ContainerPort, VolumeMount
from netlab.model.lab import KubernetesObject, LabSpec
from netlab.model.meta import LabelSelector, ObjectMeta
from netlab.model.node import Namespace, Node, NodeAddress
from netlab.model.pod import PodSpec
from netlab.model.resources import ResourceRequirements
from netlab.model.service import IPFamilyPolicy, Service, ServicePort, ServiceSpec
from netlab.model.volume import HostPathVolume, Volume
from netlab.model.workload import Deployment, DeploymentSpec, PodTemplateSpec, TemplateMeta

SYSTEM = "kube-system"
DNS_LABELS = {"k8s-app": "kube-dns"}
DNS_PORTS = (("dns", "UDP"), ("dns-tcp", "TCP"))
HOST_IMAGE_SHOWS = ("/usr/", "/opt/")


def namespaces() -> tuple[Namespace, ...]:
    """Return the Namespaces that always exist."""
    return tuple(labelled(Namespace(metadata=ObjectMeta(name=name))) for name in ("default", SYSTEM))


def labelled(item: Namespace) -> Namespace:
    """Return a Namespace with the label by which every Namespace can be selected: its name."""
    labels = {**item.metadata.labels, "kubernetes.io/metadata.name": item.metadata.name}
    return replace(item, metadata=replace(item.metadata, labels=labels))


def nodes(spec: LabSpec, architecture: str = "") -> tuple[Node, ...]:
    """Return the Nodes a lab of this size has, labelled as kubelets label theirs, the architecture only if it is said."""
    machine = {"kubernetes.io/os": "linux"} | ({"kubernetes.io/arch": architecture} if architecture else {})
    return tuple(
        Node(
            metadata=ObjectMeta(
                name=template.name,
                labels={"kubernetes.io/hostname": template.name, **machine, **template.labels},
            )
        )
        for template in spec.nodes
    )


def cluster_dns(spec: LabSpec, python: str, program_paths: Iterable[str], records_dir: str) -> tuple[KubernetesObject, ...]:
    """Return the Deployment and the Service of the cluster DNS, which is asked in each family of the lab.

    Args:
        spec: the lab's.
        python: the interpreter that can import netlab.
        program_paths: directories it needs; those that `image: host` does not show are mounted at their own place.
        records_dir: the directory in which the file `records` appears.
    """
    hidden = sorted({path for path in program_paths if not path.startswith(HOST_IMAGE_SHOWS)})
    mounted = [("records", records_dir, "/records")] + [(f"program-{n}", path, path) for n, path in enumerate(hidden)]
    container = Container(
        name="dns",
        image="host",
        command=(python, "-m", "netlab.dns", "--records", "/records/records"),
        resources=ResourceRequirements(requests={"cpu": "100m"}),  # as CoreDNS: a Pod that keeps a processor busy is no outage
        ports=tuple(ContainerPort(name=name, container_port=53, protocol=protocol) for name, protocol in DNS_PORTS),  # type: ignore[arg-type]
        volume_mounts=tuple(VolumeMount(name=name, mount_path=path, read_only=True) for name, _, path in mounted),
    )
    volumes = tuple(Volume(name=name, host_path=HostPathVolume(path=path)) for name, path, _ in mounted)
    pod = PodSpec(containers=(container,), volumes=volumes, dns_policy="Default", termination_grace_period_seconds=1)
    template = PodTemplateSpec(metadata=TemplateMeta(labels=DNS_LABELS), spec=pod)
    meta = ObjectMeta(name="kube-dns", namespace=SYSTEM, labels=DNS_LABELS)
    ports = tuple(ServicePort(name=name, port=53, protocol=protocol) for name, protocol in DNS_PORTS)  # type: ignore[arg-type]
    policy: IPFamilyPolicy = "PreferDualStack" if len(spec.families) > 1 else ""
    return (
        Deployment(metadata=meta, spec=DeploymentSpec(selector=LabelSelector(match_labels=DNS_LABELS), template=template)),
        Service(metadata=meta, spec=ServiceSpec(selector=DNS_LABELS, ports=ports, ip_family_policy=policy)),
    )


def assigned_node(node: Node, assignments: Assignments) -> Node:
    """Return the Node with the addresses and the Pod subnets it was given, if it was."""
    given = assignments.nodes.get(node.metadata.name)
    if given is None:
        return node
    spec = replace(node.spec, pod_cidr=given.pod_cidr, pod_cidrs=given.pod_cidrs)
    hostname = NodeAddress(type="Hostname", address=node.metadata.name)
    addresses = (*(NodeAddress(type="InternalIP", address=ip) for ip in given.ips), hostname)
    return replace(node, spec=spec, status=replace(node.status, addresses=addresses))
