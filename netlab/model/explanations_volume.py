"""What each field of a volume means, and of its place in a container, a sentence each.

Keys are as in `explanations_pod`.
"""

from __future__ import annotations

from netlab.model.container import VolumeMount
from netlab.model.explanations_status import Sentences
from netlab.model.volume import (
    ConfigMapProjection,
    ConfigMapVolume,
    DownwardAPIProjection,
    DownwardAPIVolume,
    DownwardAPIVolumeFile,
    EmptyDirVolume,
    HostPathVolume,
    KeyToPath,
    ProjectedVolume,
    SecretProjection,
    SecretVolume,
    Volume,
    VolumeProjection,
)

ITEMS = "The keys that become files, and how these are called; without any, each key becomes a file of its name."
MODE = "Permissions of files that name none, 0 to 0777; YAML may write it in octal."
OPTIONAL = (
    "Whether it and its keys may be missing; otherwise the containers wait in ContainerCreating, with an Event FailedMount,"
    " until they are there."
)
OWN_MODE = "The file's permissions, if they are others than those of the volume."
PATH = "Where the file stands in the volume, with directories if there are slashes in it."

VOLUME_SENTENCES: Sentences = {
    VolumeMount: {
        "name": "Which volume: the name of an entry of `spec.volumes`.",
        "mount_path": "Where it appears in the container: an absolute path other than /, without a colon, made if missing.",
        "read_only": "Whether this container may only read it.",
        "recursive_read_only": (
            "Whether read-only holds for what is mounted below it too: Enabled and IfPossible say so, Disabled or nothing does"
            " not."
        ),
        "mount_propagation": "With HostToContainer the container sees what the machine mounts below it later.",
        "sub_path": (
            "The path inside the volume that appears, instead of the whole volume: made as a directory if it is missing, never"
            " outside the volume, and of a ConfigMap or Secret not following later changes."
        ),
        "sub_path_expr": "The same with $(NAME) replaced by the container's variables; not together with `subPath`.",
    },
    Volume: {
        "name": "The volume's name, unique in its Pod, to which `volumeMounts` refer.",
        "empty_dir": "A directory, empty at first, that all containers of the Pod share and that goes with the Pod.",
        "host_path": "A directory or file of the machine netlab runs on; all Nodes of a lab see the same one.",
        "config_map": "A ConfigMap's keys as files, which may only be read and follow every change of it at once.",
        "secret": "A Secret's keys as files, which may only be read and follow every change of it at once.",
        "downward_api": "Fields of the Pod as files, which may only be read.",
        "projected": "Files of several ConfigMaps and Secrets and fields of the Pod in one directory, only to be read.",
    },
    EmptyDirVolume: {
        "medium": "Where it is: on the disk if nothing is said, or with Memory in memory, as part of what its users may have.",
        "size_limit": (
            "The most that it may hold (`64Mi`): one in memory is full then, and a Pod that has written more to one on the disk"
            " is evicted, that is it fails with the reason Evicted."
        ),
    },
    ConfigMapVolume: {
        "name": "Name of the ConfigMap, in the Pod's Namespace.",
        "items": ITEMS,
        "default_mode": MODE,
        "optional": OPTIONAL,
    },
    SecretVolume: {
        "secret_name": "Name of the Secret, in the Pod's Namespace; its files stand in memory only.",
        "items": ITEMS,
        "default_mode": MODE,
        "optional": OPTIONAL,
    },
    KeyToPath: {"key": "The key.", "path": PATH, "mode": OWN_MODE},
    DownwardAPIVolume: {"items": "The files, and which field each holds.", "default_mode": MODE},
    DownwardAPIVolumeFile: {
        "path": PATH,
        "field_ref": "The field: the Pod's name, Namespace, uid, labels or annotations; changed ones are written at once.",
        "resource_field_ref": "What one of the containers asks for or may use at most.",
        "mode": OWN_MODE,
    },
    ProjectedVolume: {
        "sources": "Where the files come from; of two at one path the later source's is taken.",
        "default_mode": MODE,
    },
    VolumeProjection: {
        "config_map": "Keys of a ConfigMap.",
        "secret": "Keys of a Secret; then the whole volume stands in memory only.",
        "downward_api": "Fields of the Pod.",
    },
    ConfigMapProjection: {"name": "Name of the ConfigMap, in the Pod's Namespace.", "items": ITEMS, "optional": OPTIONAL},
    SecretProjection: {"name": "Name of the Secret, in the Pod's Namespace.", "items": ITEMS, "optional": OPTIONAL},
    DownwardAPIProjection: {"items": "The files, and which field of the Pod each holds."},
    HostPathVolume: {
        "path": "The absolute path on the machine.",
        "type": (
            "What must be at the path, or else the Pod waits with an Event FailedMount; DirectoryOrCreate and FileOrCreate make"
            " what is missing, and without a type nothing is checked, but a container that mounts nothing is not started."
        ),
    },
}
