"""What `describe` says of the volumes of a Pod. Source: kubectl describe (v1.32), describeVolumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlab.cli.tabbed import headed
from netlab.model.volume import DownwardAPIVolumeFile, ProjectedVolume, Volume

# Field of the noun -> what it is, behind `Type:`.
TYPES = {
    "empty_dir": "EmptyDir (a temporary directory that shares a pod's lifetime)",
    "host_path": "HostPath (bare host directory volume)",
    "config_map": "ConfigMap (a volume populated by a ConfigMap)",
    "secret": "Secret (a volume populated by a Secret)",
    "downward_api": "DownwardAPI (a volume populated by information about the pod)",
    "projected": "Projected (a volume that contains injected data from multiple sources)",
}


def volume_lines(volumes: Sequence[Volume], indent: str = "") -> Iterator[str]:
    """Yield the section `Volumes:`."""
    yield headed(f"{indent}Volumes", volumes)
    for volume in volumes:
        yield f"{indent} {volume.name}:" if indent else f"  {volume.name}:"
        yield from (f"    Type:\t{words}" for name, words in TYPES.items() if getattr(volume, name) is not None)
        yield from (f"    {line}" for line in _details(volume))


def _details(volume: Volume) -> Iterator[str]:
    if volume.empty_dir is not None:
        yield from (f"Medium:\t{volume.empty_dir.medium}", f"SizeLimit:\t{volume.empty_dir.size_limit or '<unset>'}")
    if volume.host_path is not None:
        yield from (f"Path:\t{volume.host_path.path}", f"HostPathType:\t{volume.host_path.type}")
    if volume.config_map is not None:
        yield from (f"Name:\t{volume.config_map.name}", f"Optional:\t{_word(volume.config_map.optional)}")
    if volume.secret is not None:
        yield from (f"SecretName:\t{volume.secret.secret_name}", f"Optional:\t{_word(volume.secret.optional)}")
    if volume.downward_api is not None:
        yield from ("Items:", *(f"  {line}" for line in _items(volume.downward_api.items)))
    if volume.projected is not None:
        yield from _sources(volume.projected)


def _sources(volume: ProjectedVolume) -> Iterator[str]:
    for source in volume.sources:
        if source.secret is not None:
            yield f"SecretName:\t{source.secret.name}"
            yield f"SecretOptionalName:\t{_told(source.secret.optional)}"
        if source.downward_api is not None:
            yield "DownwardAPI:\ttrue"
        if source.config_map is not None:
            yield f"ConfigMapName:\t{source.config_map.name}"
            yield f"ConfigMapOptional:\t{_told(source.config_map.optional)}"


def _items(files: Sequence[DownwardAPIVolumeFile]) -> Iterator[str]:
    for file in files:
        if file.field_ref is not None:
            yield f"{file.field_ref.field_path} -> {file.path}"
        if file.resource_field_ref is not None:
            yield f"{file.resource_field_ref.resource} -> {file.path}"


def _word(value: bool) -> str:  # noqa: FBT001 - the value itself
    return str(value).lower()


def _told(value: bool) -> str:  # noqa: FBT001 - the value itself
    """Kubectl prints where in its memory a true one stands; nothing said is <nil> there too."""
    return "true" if value else "<nil>"
