"""config.json for crun: the pause process of a Pod, and its containers. Pure.

The pause process makes the namespaces of the Pod (IPC, UTS, PID) inside the Pod's network namespace; containers join them by
path and have a mount namespace and a cgroup of their own. `image: host` is a skeleton of directories with the machine's /usr
and /etc in it (what a container writes there is its own), so nothing of /root, /home or /var is seen (root.py).
Source: OCI runtime-spec 1.0.2 (crun 1.14 refuses 1.2); Docker's default capabilities and masked paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from netlab.frozen import dataclass
from netlab.kernel.cgroup_limits import oci_resources
from netlab.kernel.image_user import User
from netlab.kernel.seccomp import Filter
from netlab.netstate.process import BindMount, ContainerProcess

VERSION: Final = "1.0.2"
NOBODY: Final = 65534
MASKED: Final = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
)  # fmt: skip
# The machine's secrets: `image: host` shows its /etc.
SECRETS: Final = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssh", "/etc/sudoers", "/etc/sudoers.d",
    "/etc/ssl/private",
)  # fmt: skip
READ_ONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
COMPILED: Final = "run.oci.seccomp_bpf_data"
OPEN_FILES_SOFT: Final = 1024
OPEN_FILES_HARD: Final = 524288  # systemd's default; a process may not exceed its own hard limit without CAP_SYS_RESOURCE

_WORDS: Final = {"net": "network"}  # the specification's for a namespace, where /proc has another

Config = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a container is put: paths on the machine, the namespaces of its Pod.

    `root` is its root directory, `disk` where what it writes is; `shm`, `hosts` and `etc` are the Pod's.
    `sources` are the absolute sources of the process's mounts, in their order; `read_only` are directories of the machine
    that are seen at their own path; `open_files` is the hard limit that this program itself has; `counts_swap` says
    whether cgroups know how much of their memory is swapped out; `user` is who the program of an image runs as, None for
    `image: host`.
    """

    root: str
    disk: str
    shm: str
    hosts: str
    etc: str
    pause_pid: int
    cgroup: str
    sources: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    share_pid: bool = True
    open_files: int = OPEN_FILES_HARD
    counts_swap: bool = False
    seccomp: Filter | None = None
    user: User | None = None


def pause_config(
    *, root: str, netns: str, hostname: str, mark: str, sysctls: Iterable[tuple[str, str]] = (), volumes: Iterable[Config] = ()
) -> Config:
    """Return the configuration of a pause process; `mark` is put into its environment, by which it is known in /proc.

    `volumes` are further mounts, which containers will share.
    """
    return {
        "ociVersion": VERSION,
        "hostname": hostname,
        "process": {
            "terminal": False,
            "user": {"uid": NOBODY, "gid": NOBODY},
            "args": ["/pause", "-P"],
            "env": ["PATH=/", mark],
            "cwd": "/",
            "capabilities": {"bounding": [], "effective": [], "permitted": []},
            "noNewPrivileges": True,
        },
        "root": {"path": root, "readonly": True},
        "mounts": [
            _mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev", "ro"),
            _mount("/dev", "tmpfs", "tmpfs", "nosuid", "noexec", "mode=755", "size=64k"),
            *volumes,
        ],
        "linux": {
            "namespaces": [*({"type": kind} for kind in ("pid", "ipc", "uts", "mount")), {"type": "network", "path": netns}],
            "resources": {},
            "sysctl": dict(sysctls),
        },
    }


def container_config(process: ContainerProcess, place: Surroundings) -> Config:
    """Return the configuration of a container."""
    linux: Config = {
        "namespaces": _namespaces(place),
        "cgroupsPath": place.cgroup,
        "resources": oci_resources(process.limits, counts_swap=place.counts_swap),
        "maskedPaths": [*MASKED, *(SECRETS if place.user is None else ())],
        "readonlyPaths": list(READ_ONLY),
        "rootfsPropagation": "rprivate",
    }
    if place.seccomp is not None:
        linux["seccomp"] = place.seccomp.rules
    return {
        "ociVersion": VERSION,
        "annotations": {COMPILED: place.seccomp.program} if place.seccomp and place.seccomp.program else {},
        "process": _process(process, place),
        "root": {"path": place.root, "readonly": process.rights.read_only_root},
        "mounts": [
            *_system_mounts(place, "ro" if process.rights.read_only_root else "rw"),
            *_own_mounts(process, place.sources),
            _mount(process.last_words, "bind", f"{place.disk}/last-words", "bind", "rprivate", "rw"),
        ],
        "linux": linux,
    }


def _process(process: ContainerProcess, place: Surroundings) -> Config:
    hard, rights = min(OPEN_FILES_HARD, place.open_files), process.rights
    user = place.user or User(rights.uid, rights.gid)
    capabilities = sorted(rights.capabilities)
    return {
        "terminal": False,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(dict.fromkeys((*user.groups, *rights.groups)))},
        "args": list(process.args),
        "env": [f"{name}={value}" for name, value in process.env],
        "cwd": process.cwd,
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
        "noNewPrivileges": rights.no_new_privileges,
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": hard, "soft": min(OPEN_FILES_SOFT, hard)}],
        "oomScoreAdj": 0,
    }


def _namespaces(place: Surroundings) -> list[Config]:
    pause = f"/proc/{place.pause_pid}/ns"
    shared = ("net", "ipc", "uts", "pid") if place.share_pid else ("net", "ipc", "uts")
    return [
        {"type": "mount"},
        {"type": "cgroup"},
        *({"type": _WORDS.get(kind, kind), "path": f"{pause}/{kind}"} for kind in shared),
        *(() if place.share_pid else ({"type": "pid"},)),
    ]


def _system_mounts(place: Surroundings, access: str) -> list[Config]:
    """What every container sees; `access` to what stands for its own image is `rw` or `ro`.

    /run comes before the files of /etc: on many machines /etc/resolv.conf is a link into it.
    """
    return [
        *(_mount(path, "bind", path, "rbind", "ro", "nosuid", "nodev") for path in place.read_only if place.user is None),
        _mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
        _mount("/dev", "tmpfs", "tmpfs", "nosuid", "noexec", "strictatime", "mode=755", "size=65536k"),
        _mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        _mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        _mount("/dev/shm", "bind", place.shm, "bind", "rw", "nosuid", "nodev", "noexec"),  # noqa: S108 - the Pod's own
        _mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        *(_directories_of_host(access) if place.user is None else ()),
        _mount("/etc/hosts", "bind", place.hosts, "bind", "rprivate", "rw"),
        _mount("/etc/resolv.conf", "bind", f"{place.etc}/resolv.conf", "bind", "rprivate", "ro"),
        _mount("/etc/hostname", "bind", f"{place.etc}/hostname", "bind", "rprivate", "ro"),
    ]


def _directories_of_host(access: str) -> list[Config]:
    """Where `image: host` may write besides; an image has its own."""
    return [
        _mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777", access),  # noqa: S108 - the container's own
        _mount("/run", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=0755", access),
    ]


def _own_mounts(process: ContainerProcess, sources: Sequence[str]) -> list[Config]:
    return [
        _mount(mount.destination, "bind", source, "rbind", mount.propagation, _access(mount))
        for mount, source in zip(process.mounts, sources, strict=True)
    ]


def _access(mount: BindMount) -> str:
    if not mount.read_only:
        return "rw"
    return "rro" if mount.is_recursive else "ro"


def _mount(destination: str, kind: str, source: str, *options: str) -> Config:
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}
