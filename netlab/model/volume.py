"""Volumes: what the containers of a Pod can mount, and through which they share files.

Source: Kubernetes API reference, core/v1 Volume.
"""

from __future__ import annotations

from typing import Annotated, Literal

from netlab.frozen import dataclass
from netlab.model.container import ObjectFieldSelector, ResourceFieldSelector
from netlab.model.meta import DnsLabel

FILE_MODE = 0o644
FileMode = Annotated[int, "file-mode"]
HostPathType = Literal["", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice"]
VolumePath = Annotated[str, "volume-path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDirVolume:
    """A directory that lives as long as the Pod: on the disk, or with `Memory` in memory. `size_limit` is in bytes."""

    medium: Literal["", "Memory"] = ""
    size_limit: Annotated[str, "quantity"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPathVolume:
    """A path of the VM. Without a `type` nothing is checked or created."""

    path: Annotated[str, "absolute-path"]
    type: HostPathType = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyToPath:
    """One key, the file that it becomes, and the file's mode, if it is not the volume's."""

    key: Annotated[str, "config-key"]
    path: VolumePath
    mode: FileMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapVolume:
    """The keys of a ConfigMap as files: all of them, or those that `items` name."""

    name: str
    items: tuple[KeyToPath, ...] = ()
    default_mode: FileMode = FILE_MODE
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVolume:
    """The keys of a Secret as files: all of them, or those that `items` name."""

    secret_name: str
    items: tuple[KeyToPath, ...] = ()
    default_mode: FileMode = FILE_MODE
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardAPIVolumeFile:
    """A field of the Pod, or a resource of one of its containers, as a file. Exactly one of the two is set."""

    path: VolumePath
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: FileMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardAPIVolume:
    """Fields of the Pod as files."""

    items: tuple[DownwardAPIVolumeFile, ...] = ()
    default_mode: FileMode = FILE_MODE


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapProjection:
    """A ConfigMap as one of several sources of a volume."""

    name: str
    items: tuple[KeyToPath, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretProjection:
    """A Secret as one of several sources of a volume."""

    name: str
    items: tuple[KeyToPath, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardAPIProjection:
    """Fields of the Pod as one of several sources of a volume."""

    items: tuple[DownwardAPIVolumeFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeProjection:
    """One source of a projected volume. Exactly one field is set."""

    config_map: ConfigMapProjection | None = None
    secret: SecretProjection | None = None
    downward_api: DownwardAPIProjection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedVolume:
    """Files of several sources in one directory."""

    sources: tuple[VolumeProjection, ...] = ()
    default_mode: FileMode = FILE_MODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume of the Pod; its containers share files through it. Exactly one source is set."""

    name: DnsLabel
    empty_dir: EmptyDirVolume | None = None
    host_path: HostPathVolume | None = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    downward_api: DownwardAPIVolume | None = None
    projected: ProjectedVolume | None = None

    @property
    def has_files(self) -> bool:
        """Tell whether the volume's files are written for the Pod, which may read them only."""
        return any((self.config_map, self.secret, self.downward_api, self.projected))
