"""Which volume a container sees where: the mounts of a container, and the paths of the machine that a Pod's volumes are. Pure.

Source: Kubernetes docs, Volumes; kubelet volume/emptydir (calculateEmptyDirMemorySize), kubelet_pods.go (makeMounts),
container/helpers.go (ExpandContainerVolumeMounts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netlab.desired.configuration import is_secret
from netlab.desired.environment import REFERENCE, expand
from netlab.errors import NetlabError, NotFound
from netlab.model.container import VolumeMount
from netlab.model.path_formats import sub_path
from netlab.model.pod import Pod
from netlab.model.quantity import ZERO, parse_quantity
from netlab.model.resources import Amounts, pod_limits
from netlab.model.volume import Volume
from netlab.netstate.process import BindMount
from netlab.netstate.volume import HostPath, Scratch


def bind_mount(pod: Pod, mount: VolumeMount, variables: Mapping[str, str], where: str) -> BindMount:
    """Return a mount of a container with these variables; what is written for the Pod can only be read.

    Raises:
        NotFound: the Pod has no such volume.
        NetlabError: subPathExpr names a variable that the container does not have, or a path that is no part of the volume.
    """
    volume = next((volume for volume in pod.spec.volumes if volume.name == mount.name), None)
    if volume is None:
        raise NotFound(f"{where}: volume {mount.name!r} is not one of spec.volumes")
    return BindMount(
        source=_source(volume),
        destination=mount.mount_path,
        read_only=mount.read_only or volume.has_files,
        is_recursive=mount.recursive_read_only in {"IfPossible", "Enabled"},
        propagation="rslave" if mount.mount_propagation == "HostToContainer" else "rprivate",
        sub_path=_expanded(mount, variables) if mount.sub_path_expr else mount.sub_path,
        volume=volume.name,
    )


def by_destination(mount: BindMount) -> str:
    """Return what mounts are sorted by: a directory stands before what is mounted below it."""
    return mount.destination


def host_paths(pod: Pod) -> tuple[HostPath, ...]:
    """Return the volumes that are paths of the machine."""
    return tuple(
        HostPath(name=volume.name, path=volume.host_path.path, type=volume.host_path.type)
        for volume in pod.spec.volumes
        if volume.host_path is not None
    )


def scratch(pod: Pod, room: Amounts) -> Iterator[Scratch]:
    """Yield the volumes that are empty at first. `room` is what a Node has: one in memory is never larger than that.

    Nor is it larger than what the Pod's containers may use together, if all of them have a limit.
    """
    limited = all("memory" in container.resources.limits for container in pod.spec.all_containers)
    bounds = [room.get("memory", ZERO), pod_limits(pod.spec)["memory"] if limited else ZERO]
    for volume in pod.spec.volumes:
        if (wish := volume.empty_dir) is None:
            continue
        limit = (parse_quantity(wish.size_limit) or ZERO) if wish.size_limit else ZERO
        if wish.medium == "Memory":
            size = min((amount.units for amount in (limit, *bounds) if amount.nano), default=0)
            yield Scratch(name=volume.name, in_memory=True, size_bytes=size)
        else:
            yield Scratch(name=volume.name)


def _source(volume: Volume) -> str:
    if volume.host_path is not None:
        return volume.host_path.path
    if volume.empty_dir is not None and volume.empty_dir.medium == "Memory":
        return f"memory/{volume.name}"
    return f"{'secrets' if is_secret(volume) else 'volumes'}/{volume.name}"


def _expanded(mount: VolumeMount, variables: Mapping[str, str]) -> str:
    """SubPathExpr with its variables. Every one must be known: a path is not made up of what was meant to be replaced."""
    for found in REFERENCE.finditer(mount.sub_path_expr):
        if found.group(1) is not None and found.group(1) not in variables:
            raise NetlabError(f'missing value for "{found.group(1)}"')
    path = expand(mount.sub_path_expr, variables)
    if path.startswith("/"):
        raise NetlabError(f'subPath "{path}" must not be an absolute path')
    if message := sub_path(path):
        raise NetlabError(f"unable to provision SubPath `{path}`: {message}")
    if "\0" in path or not path:
        raise NetlabError(f'subPathExpr "{mount.sub_path_expr}" of volumeMount "{mount.name}" stands for no path')
    return path
