"""The files of a Pod's volumes: which file holds what, with what mode. Pure; kernel/volume_files.py writes them.

    configMap, secret ... every key, or those that `items` name, under their paths
    downwardAPI ......... fields of the Pod, and resources of its containers
    projected ........... files of several such sources; a later source wins at the same path

What is missing and not optional is a MountFailure in the kubelet's words: the Pod waits until it is there.
Source: Kubernetes docs, Volumes; kubelet volume/configmap (MakePayload), volume/secret, volume/downwardapi, volume/projected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from netlab.desired.assignments import Assignments
from netlab.desired.configuration import Source, configuration, is_secret
from netlab.desired.downward import field, named_container, resource
from netlab.errors import MountFailure, NetlabError, NotFound
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.model.resources import NO_AMOUNTS, Amounts
from netlab.model.volume import DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection
from netlab.netstate.volume import VolumeFile, VolumeFiles

# What is said of a key that is not there.
NO_KEY = {
    "ConfigMap": "configmap references non-existent config key: {}",
    "Secret": "references non-existent secret key: {}",
}


class _Reference(Protocol):
    """What a volume and a projection say alike of the object whose keys become files."""

    @property
    def items(self) -> tuple[KeyToPath, ...]: ...

    @property
    def optional(self) -> bool: ...


def volume_files(cluster: Cluster, assignments: Assignments, pod: Pod, room: Amounts = NO_AMOUNTS) -> tuple[VolumeFiles, ...]:
    """Return the files of all volumes of a Pod that have any; `room` is what a Node has.

    Raises MountFailure for the first volume that cannot be set up.
    """
    found = []
    for volume in pod.spec.volumes:
        if volume.has_files:
            try:
                files = _by_path(_files(cluster, assignments, pod, volume, room))
            except NetlabError as error:
                raise MountFailure(f'MountVolume.SetUp failed for volume "{volume.name}" : {error}') from error
            found.append(VolumeFiles(name=volume.name, files=files, in_memory=is_secret(volume)))
    return tuple(found)


def _by_path(files: Iterable[VolumeFile]) -> tuple[VolumeFile, ...]:
    """The files in order, of equal paths the last one; no file where another one needs a directory."""
    found = {file.path: file for file in files}
    for path in found:
        parents = [path[:n] for n, char in enumerate(path) if char == "/"]
        if blocked := next((parent for parent in parents if parent in found), None):
            raise NetlabError(f'"{blocked}" cannot be a file and a directory')
    return tuple(found[path] for path in sorted(found))


def _files(cluster: Cluster, assignments: Assignments, pod: Pod, volume: Volume, room: Amounts) -> Iterator[VolumeFile]:
    namespace = pod.metadata.namespace
    if (whole := volume.config_map) is not None:
        yield from _keys(cluster, "ConfigMap", namespace, whole.name, whole, whole.default_mode)
    if (secret := volume.secret) is not None:
        yield from _keys(cluster, "Secret", namespace, secret.secret_name, secret, secret.default_mode)
    if volume.downward_api is not None:
        yield from _fields(assignments, pod, room, volume.downward_api.items, volume.downward_api.default_mode)
    if volume.projected is not None:
        for source in volume.projected.sources:
            if source.downward_api is not None:
                yield from _fields(assignments, pod, room, source.downward_api.items, volume.projected.default_mode)
            yield from _projection(cluster, namespace, source, volume.projected.default_mode)


def _projection(cluster: Cluster, namespace: str, source: VolumeProjection, mode: int) -> Iterator[VolumeFile]:
    if source.config_map is not None:
        yield from _keys(cluster, "ConfigMap", namespace, source.config_map.name, source.config_map, mode)
    if source.secret is not None:
        yield from _keys(cluster, "Secret", namespace, source.secret.name, source.secret, mode)


def _keys(  # noqa: PLR0917 - what a reference says
    cluster: Cluster, kind: Source, namespace: str, name: str, told: _Reference, mode: int
) -> Iterator[VolumeFile]:
    found = configuration(cluster, kind, namespace, name, optional=told.optional)
    contents = found.contents if found else {}
    for item in told.items or tuple(KeyToPath(key=key, path=key) for key in contents):
        if item.key in contents:
            yield VolumeFile(path=item.path, content=contents[item.key], mode=mode if item.mode is None else item.mode)
        elif not told.optional:
            raise NotFound(NO_KEY[kind].format(item.key))


def _fields(
    assignments: Assignments, pod: Pod, room: Amounts, files: Iterable[DownwardAPIVolumeFile], mode: int
) -> Iterator[VolumeFile]:
    for file in files:
        if file.field_ref is not None:
            text = field(assignments, pod, file.field_ref.field_path)
        elif file.resource_field_ref is not None:
            told = file.resource_field_ref
            text = resource(named_container(pod, told), told, room)
        else:
            continue
        yield VolumeFile(path=file.path, content=text.encode(), mode=mode if file.mode is None else file.mode)
