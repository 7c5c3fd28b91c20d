"""What the volumes of a Pod and their mounts demand. Each fault is (field path, message, hint), in Kubernetes' words.

Source: Kubernetes pkg/apis/core/validation (ValidateVolumes, ValidateVolumeMounts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from netlab.manifest.resource_rules import resource_field_problems
from netlab.manifest.rules import repeated
from netlab.model.codec import FieldProblem
from netlab.model.container import VolumeMount
from netlab.model.path_formats import sub_path
from netlab.model.pod import PodSpec
from netlab.model.volume import DownwardAPIVolumeFile, ProjectedVolume, Volume, VolumeProjection
from netlab.model.words import did_you_mean, shown

# Field of the noun -> its name in a manifest.
SOURCES: Final = {
    "empty_dir": "emptyDir", "host_path": "hostPath", "config_map": "configMap", "secret": "secret",
    "downward_api": "downwardAPI", "projected": "projected",
}  # fmt: skip
EXAMPLE: Final = "emptyDir: {} or hostPath: {path: /...}"
PLACES: Final = ("spec.", "status.")
METADATA: Final = "metadata.name, metadata.namespace, metadata.uid, metadata.labels and metadata.annotations"


def volume_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of the volumes of a Pod's spec that is found at `path`."""
    yield from repeated((item.name for item in spec.volumes), f"{path}.volumes", "name")
    for n, volume in enumerate(spec.volumes):
        yield from _volume(volume, f"{path}.volumes[{n}]")


def mount_problems(mounts: tuple[VolumeMount, ...], volumes: Mapping[str, int], path: str) -> Iterator[FieldProblem]:
    """Yield the faults of a container's mounts; `volumes` are the names of those there are."""
    for n, mount in enumerate(mounts):
        if mount.name and mount.name not in volumes:
            hint = did_you_mean(mount.name, volumes) or f"volumes: {', '.join(volumes) or 'none'}"
            yield f"{path}[{n}].name", f"no volume is called {shown(mount.name)}", hint
        yield from _mount(mount, f"{path}[{n}]")
    yield from repeated((item.mount_path.rstrip("/") for item in mounts), path, "mountPath")


def _mount(mount: VolumeMount, path: str) -> Iterator[FieldProblem]:
    if mount.sub_path and mount.sub_path_expr:
        yield f"{path}.subPathExpr", "subPathExpr and subPath are mutually exclusive", "leave one out"
    elif message := sub_path(mount.sub_path_expr):
        yield f"{path}.subPathExpr", f"{message}, is {shown(mount.sub_path_expr)}", ""
    if mount.recursive_read_only in {"IfPossible", "Enabled"}:
        if not mount.read_only:
            yield f"{path}.recursiveReadOnly", "may only be specified when readOnly is true", "readOnly: true"
        if mount.mount_propagation not in {"", "None"}:
            yield f"{path}.recursiveReadOnly", "may only be specified when mountPropagation is None or not specified", ""


def _volume(volume: Volume, path: str) -> Iterator[FieldProblem]:
    found = [name for name in SOURCES if getattr(volume, name) is not None]
    if not found:
        yield path, "must specify a volume type", EXAMPLE
    if len(found) > 1:
        yield f"{path}.{SOURCES[found[-1]]}", "may not specify more than 1 volume type", ""
    if volume.downward_api is not None:
        yield from _downward(volume.downward_api.items, f"{path}.downwardAPI")
    if volume.projected is not None:
        yield from _projected(volume.projected, f"{path}.projected")


def _projected(volume: ProjectedVolume, path: str) -> Iterator[FieldProblem]:
    for n, source in enumerate(volume.sources):
        where = f"{path}.sources[{n}]"
        found = [name for name in ("config_map", "secret", "downward_api") if getattr(source, name) is not None]
        if not found:
            yield where, "must specify a source: configMap, secret or downwardAPI", ""
        if len(found) > 1:
            yield f"{where}.{SOURCES[found[-1]]}", "may not specify more than 1 volume type", ""
        if source.downward_api is not None:
            yield from _downward(source.downward_api.items, f"{where}.downwardAPI")
    taken: dict[str, int] = {}
    for n, source in enumerate(volume.sources):
        for name in _paths(source):
            if taken.setdefault(name, n) != n:
                where = f"sources[{taken[name]}]"
                yield f"{path}.sources[{n}]", f"conflicting duplicate paths: {shown(name)} is also in {where}", "rename one"


def _paths(source: VolumeProjection) -> set[str]:
    one = source.config_map or source.secret or source.downward_api
    return {item.path for item in one.items if item.path} if one else set()


def _downward(files: tuple[DownwardAPIVolumeFile, ...], path: str) -> Iterator[FieldProblem]:
    for n, file in enumerate(files):
        where = f"{path}.items[{n}]"
        if file.field_ref is None and file.resource_field_ref is None:
            yield where, "one of fieldRef and resourceFieldRef is required", "fieldRef: {fieldPath: metadata.labels}"
        elif file.field_ref is not None and file.resource_field_ref is not None:
            yield where, "fieldRef and resourceFieldRef can not be specified simultaneously", "leave one out"
        elif file.resource_field_ref is not None:
            if not file.resource_field_ref.container_name:
                yield f"{where}.resourceFieldRef.containerName", "required", "a volume belongs to no container"
            yield from resource_field_problems(file.resource_field_ref, f"{where}.resourceFieldRef")
        elif file.field_ref is not None and file.field_ref.field_path.startswith(PLACES):
            problem = f"only {METADATA} are supported in a volume, is {shown(file.field_ref.field_path)}"
            yield f"{where}.fieldRef.fieldPath", problem, ""
