"""Looks at the kernel and the machine that take no process and change nothing: rights, /proc, cgroups, limits, disk, memory.

Each public function is a check (findings.py): it takes the check's name and returns what it found. Where a decision can be
wrong it is a function of its own, of plain values.
Source: capabilities(7), proc(5), cgroups(7), inotify(7), statfs(2), kernel Documentation/filesystems/overlayfs.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel.cgroups import hierarchies
from netlab.kernel.findings import CURES, Finding, missing, ok, warning
from netlab.kernel.inotify import Watch
from netlab.kernel.machine import require_root
from netlab.kernel.mounts import CGROUP2_MAGIC, CGROUPS, filesystem_type, is_hybrid
from netlab.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket
from netlab.kernel.seccomp import PROFILE, seccomp_filter

CONNTRACK: Final = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")
PYTHON_MINIMUM: Final = (3, 11)
INSTANCES_MINIMUM: Final = 128  # the kernel's own default; with cgroup v2 every container's conmon takes one
WATCHES_MINIMUM: Final = 8192
MEMORY_WANTED: Final = 256 << 20  # a lab of three Nodes with the guestbook takes a third of that
DISK_WANTED: Final = 512 << 20
DISK_MINIMUM: Final = 16 << 20
CONTROLLERS: Final = ("cpu", "memory", "pids")

# What the file system of the Pods' directories is, by its magic number: can it hold the upper directory of an overlay?
FILE_SYSTEMS: Final[dict[int, tuple[str, bool]]] = {
    0xEF53: ("ext4", True),
    0x58465342: ("xfs", True),
    0x9123683E: ("btrfs", True),
    0x01021994: ("tmpfs", True),
    0xF2F52010: ("f2fs", True),
    0xCA451A4E: ("bcachefs", True),
    0x2FC12FC1: ("zfs", True),
    0x794C7630: ("an overlay file system", False),
    0x6969: ("nfs", False),
    0xFF534D42: ("cifs", False),
    0xFE534D42: ("smb", False),
    0x01021997: ("9p", False),
    0x786F4256: ("vboxsf", False),
    0x4D44: ("vfat", False),
    0x2011BAB0: ("exfat", False),
    0x7366746E: ("ntfs", False),
    0xF15F: ("ecryptfs", False),
}

_CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}
_FORWARD: Final = Path("/proc/sys/net/ipv4/ip_forward")
_IPV6: Final = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
_BR_NETFILTER: Final = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
_SCTP: Final = Path("/proc/net/sctp")
_SECCOMP_ACTIONS: Final = Path("/proc/sys/kernel/seccomp/actions_avail")
_INOTIFY: Final = Path("/proc/sys/fs/inotify")


def rights(name: str) -> Finding:
    """Root, and the two capabilities without which root makes no namespace and no link."""
    require_root()
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    lacking = lacking_capabilities(int(found[1], 16) if found else 0)
    if lacking:
        return missing(name, f"root lacks {' and '.join(lacking)} here", CURES["rights"])
    return ok(name, "root, with the capabilities for networks and mounts")


def lacking_capabilities(effective: int) -> list[str]:
    """Return the names of those needed whose bits are not set."""
    return [name for name, bit in _CAPABILITIES.items() if not effective & 1 << bit]


def proc_sys(name: str) -> Finding:
    """The kernel's parameters can be read and written."""
    if not _FORWARD.exists():
        return missing(name, "/proc/sys/net is missing", CURES["proc"])
    if os.statvfs(_FORWARD).f_flag & os.ST_RDONLY:
        return missing(name, "/proc/sys is read-only", CURES["proc-read-only"])
    return ok(name, "/proc/sys is writable")


def python(name: str) -> Finding:
    """The version of the Python that runs this."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON_MINIMUM:
        least = ".".join(map(str, PYTHON_MINIMUM))
        return missing(name, f"Python {least} or newer is needed, found {version}", CURES["python"])
    return ok(name, f"Python {version}")


def netlink(name: str) -> Finding:
    """The two languages in which links and rules are spoken of."""
    for protocol, module in ((NETLINK_ROUTE, ""), (NETLINK_NETFILTER, "nfnetlink")):
        try:
            NetlinkSocket(protocol).close()
        except OSError as error:
            cure = CURES["module"].format(module=module) if module else CURES["kernel"]
            return missing(name, f"the kernel refuses netlink ({error.strerror})", cure)
    return ok(name, "the kernel answers")


def connection_tracking(name: str) -> Finding:
    """Its parameters exist in a namespace only if the module is loaded before they are written."""
    if not CONNTRACK.exists():
        return missing(name, "the kernel has no connection tracking", CURES["module"].format(module="nf_conntrack"))
    return ok(name, "the kernel follows connections")


def ipv6(name: str) -> Finding:
    """Labs of IPv4 alone need none. Where it is only switched off by parameters, a lab switches it on for itself."""
    if not _IPV6.exists():
        return warning(name, "the kernel has no IPv6, so labs can be of IPv4 alone", CURES["ipv6"])
    return ok(name, "the kernel has IPv6")


def ipv6_wanted(name: str) -> Finding:
    """The same for a lab that has addresses of IPv6."""
    return ok(name, "the kernel has IPv6") if _IPV6.exists() else missing(name, "the kernel has no IPv6", CURES["ipv6"])


def br_netfilter(name: str) -> Finding:
    """Both states are fine; which one it is explains what other programs on this machine see."""
    if _BR_NETFILTER.exists():
        return ok(name, "loaded; netlab switches it off in each of its own namespaces")
    return ok(name, "not loaded, and not needed")


def sctp(name: str) -> Finding:
    """Needed by programs that speak it, and by no rule: packets of SCTP are translated also where the kernel has no sockets."""
    if _SCTP.exists():
        return ok(name, "loaded: programs can speak SCTP")
    return ok(name, "not loaded; only programs that speak SCTP need it (`modprobe sctp`), the rules of Services do not")


def cgroups(name: str) -> Finding:
    """A cgroup tree in which crun can make directories."""
    roots = hierarchies()
    if not roots:
        return missing(name, f"no cgroups in {CGROUPS}", CURES["cgroups"].format(directory=CGROUPS))
    for root in roots:
        if os.statvfs(root).f_flag & os.ST_RDONLY:
            return missing(name, f"the cgroups in {root} are read-only", CURES["cgroups-read-only"].format(directory=root))
    if filesystem_type(CGROUPS) == CGROUP2_MAGIC:
        return controllers(name, "v2", (CGROUPS / "cgroup.controllers").read_text().split())
    kind = "v1 and v2 side by side; crun is shown v1 alone" if is_hybrid() else "v1"
    return controllers(name, kind, [root.name for root in roots])


def controllers(name: str, kind: str, present: Collection[str]) -> Finding:
    """Decide about a tree of this `kind` with these controllers."""
    lacking = [controller for controller in CONTROLLERS if controller not in present]
    if lacking:
        found = f"cgroups {kind}, without {' and '.join(lacking)}: limits of that cannot be set"
        return warning(name, found, CURES["controllers"])
    return ok(name, f"cgroups {kind}")


def seccomp_profile(name: str) -> Finding:
    """The file from which the containers' filter is made."""
    if not PROFILE.exists():
        return missing(name, f"{PROFILE} is missing", CURES["containers"])
    return ok(name, str(PROFILE))


def seccomp(name: str) -> Finding:
    """The kernel filters system calls, and the profile can be used."""
    if not _SECCOMP_ACTIONS.exists():
        return missing(name, "the kernel has no seccomp filters", CURES["kernel"])
    if not PROFILE.exists():
        return warning(name, "the filter was not made, because its profile is missing", CURES["containers"])
    machine = os.uname()
    text = PROFILE.read_text()
    calls = seccomp_filter(text, machine=machine.machine, kernel=machine.release, capabilities=frozenset())["syscalls"]
    return ok(name, f"{sum(len(entry['names']) for entry in calls)} system calls are allowed to all containers")


def inotify(name: str) -> Finding:
    """The agent, waiting commands and conmon wait for files by inotify."""
    instances, watches = (int((_INOTIFY / file).read_text()) for file in ("max_user_instances", "max_user_watches"))
    try:
        Watch([]).close()
    except KernelError:
        return missing(name, f"all {instances} inotify instances are in use", CURES["inotify-instances"])
    return inotify_limits(name, instances, watches)


def inotify_limits(name: str, instances: int, watches: int) -> Finding:
    """Decide about the two limits of a user."""
    if instances < INSTANCES_MINIMUM:
        found = f"fs.inotify.max_user_instances is {instances}, and each container may need one"
        return warning(name, found, CURES["inotify-instances"])
    if watches < WATCHES_MINIMUM:
        return warning(name, f"fs.inotify.max_user_watches is {watches}, which is few", CURES["inotify-watches"])
    return ok(name, f"{instances} instances, {watches} watches")


def memory(name: str) -> Finding:
    """What the kernel thinks programs can still have."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return free_memory(name, int(found[1]) << 10) if found else ok(name, "not told by this kernel")


def free_memory(name: str, free: int) -> Finding:
    """Decide about so many bytes."""
    if free < MEMORY_WANTED:
        return warning(name, f"only {_mebibytes(free)} of memory are free", CURES["memory"])
    return ok(name, f"{_mebibytes(free)} free")


def data_directory(name: str, directory: Path, root: Path) -> Finding:
    """Containers' root directories are overlays with their upper directory in `directory`, which need not exist yet.

    `root` is the directory of all labs, the one that the words speak of.
    """
    real = directory.resolve()
    if real.is_relative_to("/usr") or real.is_relative_to("/etc"):
        return missing(name, f"{root} is in {root.resolve()}, which containers see", CURES["data-elsewhere"])
    there = next(path for path in (real, *real.parents) if path.exists())
    disk = os.statvfs(there)
    return disk_for_data(name, root, filesystem_type(there), disk.f_bavail * disk.f_frsize)


def disk_for_data(name: str, root: Path, magic: int, free: int) -> Finding:
    """Decide about a file system of this magic number with so many bytes free."""
    kind, fits = FILE_SYSTEMS.get(magic, (f"a file system of type {magic:#x}", None))
    room = f"{root} is on {kind} with {_mebibytes(free)} free"
    cure = CURES["data-file-system"].format(directory=root)
    if fits is False:
        return missing(name, f"{root} is on {kind}, on which no overlay can lie", cure)
    if free < DISK_MINIMUM:
        return missing(name, room, CURES["data-full"])
    if fits is None:
        return warning(name, f"{room}, on which an overlay may not be able to lie", cure)
    return warning(name, room, CURES["data-full"]) if free < DISK_WANTED else ok(name, room)


def _mebibytes(size: int) -> str:
    return f"{size >> 20} MiB" if size < 10 << 30 else f"{size >> 30} GiB"
