"""A Pod in Linux words: host name, /etc/hosts, resolv.conf, and for each container its arguments, environment and mounts.

The two files are the kubelet's, line by line. What the program of an image would add (entrypoint, user) does not exist for
`image: host`: its PATH and HOME are fixed below, and its command must be given.
Source: kubelet_pods.go (managedHostsFileContent, hostsEntriesFromHostAliases, GeneratePodHostNameAndDomain, makeMounts).
"""

from __future__ import annotations

import json

from netlab.desired.assignments import Assignments
from netlab.desired.environment import environment, expand
from netlab.desired.resolver import resolv_conf_text
from netlab.errors import NetlabError, NotFound
from netlab.model.codec import encode
from netlab.model.lab import Cluster
from netlab.model.pod import Container, Pod, Volume, VolumeMount
from netlab.netstate.names import digest, pod_netns
from netlab.netstate.process import BindMount, ContainerProcess, Sandbox

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOSTNAME_MAX = 63

HOSTS_HEADER = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
ALIASES_HEADER = "\n# Entries added by HostAliases.\n"


def sandbox(cluster: Cluster, assignments: Assignments, pod: Pod) -> Sandbox:
    """Return the Pod's processes as they are to be; addresses are missing from /etc/hosts while the Pod is not bound.

    Raises:
        NotFound: a ConfigMap, key or volume that a container needs does not exist.
        NetlabError: an image other than `host`, or a container without a command.
    """
    containers = tuple(_container(cluster, assignments, pod, container) for container in pod.spec.all_containers)
    return Sandbox(
        uid=pod.metadata.uid,
        netns=pod_netns(cluster.lab.metadata.name, pod.metadata.namespace, pod.metadata.name),
        hostname=hostname(pod),
        hosts=hosts_text(cluster, assignments, pod),
        resolv_conf=resolv_conf_text(cluster, assignments, pod),
        containers=containers,
        scratch=tuple(volume.name for volume in pod.spec.volumes if volume.empty_dir is not None),
        share_process_namespace=pod.spec.share_process_namespace,
    )


def hostname(pod: Pod) -> str:
    """Return `spec.hostname`, else the Pod's name, cut to the 63 characters a host name may have."""
    name = pod.spec.hostname or pod.metadata.name
    return name if len(name) <= HOSTNAME_MAX else name[:HOSTNAME_MAX].rstrip("-.")


def hosts_text(cluster: Cluster, assignments: Assignments, pod: Pod) -> str:
    """Return /etc/hosts: the kubelet's header, the Pod's own name (with `subdomain` its full name first), its hostAliases."""
    short = hostname(pod)
    names = short
    if pod.spec.subdomain:
        domain = f"{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{cluster.lab.spec.cluster_domain}"
        names = f"{short}.{domain}\t{short}"
    bound = assignments.pods.get(pod.key)
    own = HOSTS_HEADER + "".join(f"{ip}\t{names}\n" for ip in (bound.ips if bound else ()))
    aliases = "".join("\t".join((alias.ip, *alias.hostnames)) + "\n" for alias in pod.spec.host_aliases)
    return own + (ALIASES_HEADER + aliases if aliases else "")


def _container(cluster: Cluster, assignments: Assignments, pod: Pod, container: Container) -> ContainerProcess:
    where = f"pod {pod.metadata.namespace}/{pod.metadata.name}, container {container.name}"
    if container.image != "host":
        raise NetlabError(f"{where}: image {container.image!r} cannot be run; only `image: host` (the VM's programs) can")
    variables = environment(cluster, assignments, pod, container)
    args = tuple(expand(word, variables) for word in (*container.command, *container.args))
    if not args:
        raise NetlabError(f"{where}: no command; `image: host` has no program of its own, so give `command`")
    given = {"PATH": PATH, "HOME": "/root", "HOSTNAME": hostname(pod)} | variables
    mounts = sorted((_mount(pod, mount, where) for mount in container.volume_mounts), key=lambda item: item.destination)
    return ContainerProcess(
        name=container.name,
        args=args,
        env=tuple(given.items()),
        cwd=container.working_dir or "/",
        mounts=tuple(mounts),  # a directory stands before what is mounted below it
        revision=revision(container),
        last_words=container.termination_message_path,
        log_speaks=container.termination_message_policy == "FallbackToLogsOnError",
    )


def revision(container: Container) -> str:
    """Return ten characters that stand for the container's wish; fields with their default value are left out."""
    return digest(json.dumps(encode(container), sort_keys=True))[:10]


def _mount(pod: Pod, mount: VolumeMount, where: str) -> BindMount:
    volume = next((volume for volume in pod.spec.volumes if volume.name == mount.name), None)
    if volume is None:
        raise NotFound(f"{where}: volume {mount.name!r} is not one of spec.volumes")
    source, create = _source(volume)
    return BindMount(source=source, destination=mount.mount_path, read_only=mount.read_only, create=create)


def _source(volume: Volume) -> tuple[str, bool]:
    """The path to mount, and whether a missing one is made: only hostPath type DirectoryOrCreate wants that."""
    if volume.host_path is not None:
        return volume.host_path.path, volume.host_path.type == "DirectoryOrCreate"
    return f"volumes/{volume.name}", False
