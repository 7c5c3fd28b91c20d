"""A Pod in Linux words: host name, /etc/hosts, resolv.conf, and for each container its arguments, environment and mounts.

The two files are the kubelet's, line by line. What the maker of an image wished (entrypoint, user) is `image_process`' work;
for `image: host` there is none: its PATH and HOME are fixed, and its command must be given.
Source: kubelet_pods.go (managedHostsFileContent, hostsEntriesFromHostAliases, GeneratePodHostNameAndDomain, makeMounts).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from netlab.desired.assignments import Assignments
from netlab.desired.cgroup_limits import container_limits, pod_cgroup_limits
from netlab.desired.environment import environment, expand
from netlab.desired.host_network import netns_of, node_hosts
from netlab.desired.image_names import HOST
from netlab.desired.image_process import PATH, process_of_image
from netlab.desired.mounts import bind_mount, by_destination, host_paths, scratch
from netlab.desired.resolver import resolv_conf_text
from netlab.desired.rights import fs_group, rights, sysctls, user_in_image
from netlab.desired.volume_files import volume_files
from netlab.errors import NetlabError
from netlab.model.codec import encode
from netlab.model.container import Container
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.model.resources import NO_AMOUNTS, Amounts
from netlab.model.security import PodSecurityContext
from netlab.netstate.image import Image
from netlab.netstate.names import digest
from netlab.netstate.process import ContainerProcess, Sandbox

Images = Mapping[str, Image]
NO_IMAGES: Images = MappingProxyType({})
HOSTNAME_MAX = 63
UTS_NAME_MAX = 64

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


def sandbox(
    cluster: Cluster, assignments: Assignments, pod: Pod, images: Images = NO_IMAGES, room: Amounts = NO_AMOUNTS
) -> Sandbox:
    """Return the Pod's processes as they are to be; addresses are missing from /etc/hosts while the Pod is not bound.

    `images` are those that are here, by the name in the manifest; a container whose image is not has nothing to run yet. `room`
    is what a Node has.

    Raises:
        MountFailure: a volume cannot be set up; this is said first.
        NotFound: a ConfigMap, Secret, key or volume that a container needs does not exist.
        NetlabError: a container of `image: host` without a command, one that must not run as root and would, or an image that
            cannot be understood.
    """
    files = volume_files(cluster, assignments, pod, room)
    containers = tuple(_container(cluster, assignments, pod, container, images, room) for container in pod.spec.all_containers)
    return Sandbox(
        uid=pod.metadata.uid,
        netns=netns_of(cluster.lab.metadata.name, pod, assignments.pods.get(pod.key)),
        hostname=seen_hostname(cluster, assignments, pod),
        hosts=hosts_text(cluster, assignments, pod),
        resolv_conf=resolv_conf_text(cluster, assignments, pod),
        containers=containers,
        files=files,
        host_paths=host_paths(pod),
        scratch=tuple(scratch(pod, room)),
        fs_group=fs_group(pod),
        sysctls=tuple((one.name, one.value) for one in sysctls(pod)),
        share_process_namespace=pod.spec.share_process_namespace,
        limits=pod_cgroup_limits(pod.spec),
    )


def hostname(pod: Pod) -> str:
    """Return `spec.hostname`, else the Pod's name, cut to the 63 characters a host name may have."""
    name = pod.spec.hostname or pod.metadata.name
    return name if len(name) <= HOSTNAME_MAX else name[:HOSTNAME_MAX].rstrip("-.")


def full_name(cluster: Cluster, pod: Pod) -> str:
    """Return the name of a Pod with a subdomain as DNS knows it, with the cluster's domain."""
    return f"{hostname(pod)}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{cluster.lab.spec.cluster_domain}"


def seen_hostname(cluster: Cluster, assignments: Assignments, pod: Pod) -> str:
    """Return the host name that the Pod's programs see: the Node's in its network, the full one if that is wished.

    Raises:
        NetlabError: it is longer than Linux allows.
    """
    if pod.spec.host_network and (bound := assignments.pods.get(pod.key)):
        return bound.node
    if not (pod.spec.set_hostname_as_fqdn and pod.spec.subdomain):
        return hostname(pod)
    name = full_name(cluster, pod)
    if len(name) > UTS_NAME_MAX:
        too_long = f"FQDN {name} is too long ({UTS_NAME_MAX} characters is the max, {len(name)} characters requested)"
        raise NetlabError(f"failed to construct FQDN from pod hostname and cluster domain, {too_long}")
    return name


def hosts_text(cluster: Cluster, assignments: Assignments, pod: Pod) -> str:
    """Return /etc/hosts: the kubelet's header, the Pod's own name (with `subdomain` its full name first), its hostAliases."""
    aliases = "".join("\t".join((alias.ip, *alias.hostnames)) + "\n" for alias in pod.spec.host_aliases)
    own = node_hosts(assignments, pod) if pod.spec.host_network else _own_hosts(cluster, assignments, pod)
    return own + (ALIASES_HEADER + aliases if aliases else "")


def _own_hosts(cluster: Cluster, assignments: Assignments, pod: Pod) -> str:
    short, bound = hostname(pod), assignments.pods.get(pod.key)
    names = f"{full_name(cluster, pod)}\t{short}" if pod.spec.subdomain else short
    return HOSTS_HEADER + "".join(f"{ip}\t{names}\n" for ip in (bound.ips if bound else ()))


def _container(  # noqa: PLR0917 - what a container may depend on
    cluster: Cluster, assignments: Assignments, pod: Pod, container: Container, images: Images, room: Amounts
) -> ContainerProcess:
    where = f"pod {pod.metadata.namespace}/{pod.metadata.name}, container {container.name}"
    variables = environment(cluster, assignments, pod, container, room)
    command, args = (tuple(expand(word, variables) for word in words) for words in (container.command, container.args))
    image = images.get(container.image)
    may = rights(pod, container, _user(container, image))
    named = {"HOSTNAME": seen_hostname(cluster, assignments, pod)} | variables
    if container.image == HOST:
        process = _of_host(where, container, (*command, *args), {"HOME": "/" if may.uid else "/root"} | named)
    else:
        process = process_of_image(
            image, name=container.name, command=command, args=args, variables=named, cwd=container.working_dir,
            user=user_in_image(pod, container, image.config.user if image else ""),
        )  # fmt: skip
    mounts = sorted((bind_mount(pod, mount, variables, where) for mount in container.volume_mounts), key=by_destination)
    return replace(
        process,
        mounts=tuple(mounts),  # a directory stands before what is mounted below it
        revision=revision(container, pod.spec.security_context),
        rights=may,
        last_words=container.termination_message_path,
        log_speaks=container.termination_message_policy == "FallbackToLogsOnError",
        limits=container_limits(container.resources),
    )


def _user(container: Container, image: Image | None) -> str | None:
    """Whom the image would run as; None while nobody knows."""
    if container.image == HOST:
        return ""
    return image.config.user if image else None


def _of_host(where: str, container: Container, args: tuple[str, ...], variables: dict[str, str]) -> ContainerProcess:
    if not args:
        raise NetlabError(f"{where}: no command; `image: host` has no program of its own, so give `command`")
    given = {"PATH": PATH} | variables
    return ContainerProcess(name=container.name, args=args, env=tuple(given.items()), cwd=container.working_dir or "/")


def revision(container: Container, common: PodSecurityContext | None = None) -> str:
    """Return ten characters that stand for the container's wish; fields with their default value are left out.

    `common` is what the Pod says of all its containers.
    """
    wish = encode(container) | ({"common": encode(common)} if common else {})
    return digest(json.dumps(wish, sort_keys=True))[:10]
