"""What a look at the machine finds, one line each, and what to do about it: the one table of cures.

`netlab doctor` prints a line for every check. A command that cannot go on without something runs a few of the same checks
and raises HostUnready with the very same words, `what is wrong: cure`; so does everything else that raises it, and therefore
a HostUnready can become a finding again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final, Literal

from netlab.errors import HostUnready
from netlab.frozen import dataclass

State = Literal["ok", "warning", "missing"]

CURES: Final = {
    "rights": "run netlab on a VM, or in a container with --privileged",
    "root": "repeat with sudo",
    "proc": "mount -t proc proc /proc",
    "proc-read-only": "mount -o remount,rw /proc/sys",
    "python": "apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04 or newer), then scripts/install",
    "kernel": "boot the kernel of a distribution (apt-get install linux-image-generic, on Debian linux-image-amd64 or -arm64)",
    "module": "modprobe {module}; if there is no such module, boot the kernel of a distribution",
    "ipv6": "boot without `ipv6.disable=1` on the kernel's command line, or make a lab of IPv4 alone",
    "namespaces": "sysctl -w user.max_{kind}_namespaces=10000",
    "cgroups": "mount -t cgroup2 none {directory}",
    "cgroups-read-only": "mount -o remount,rw {directory}",
    "controllers": "boot with `cgroup_enable=memory` on the kernel's command line, or the kernel of a distribution",
    "inotify-instances": "sysctl -w fs.inotify.max_user_instances=512",
    "inotify-watches": "sysctl -w fs.inotify.max_user_watches=65536",
    "containers": "apt-get install --no-install-recommends crun conmon catatonit golang-github-containers-common",
    "skopeo": "apt-get install --no-install-recommends skopeo",
    "nft": "apt-get install nftables",
    "iptables": "apt-get install --no-install-recommends iptables",
    "ip": "apt-get install iproute2",
    "tcpdump": "apt-get install --no-install-recommends tcpdump",
    "conntrack": "apt-get install --no-install-recommends conntrack",
    "other-netlab": "call this one by its whole path, or put its directory first in PATH",
    "data-elsewhere": "it must be somewhere else",
    "data-file-system": "mount -t tmpfs none {directory}",
    "data-full": "free some space on that disk",
    "memory": "end other programs, or give the machine more memory",
    "trial": "repeat `netlab doctor`",
    "forward": "nft 'insert rule {chain} ip saddr {subnet} accept; insert rule {chain} ip daddr {subnet} accept'",
    "forward-legacy": "iptables-legacy -I FORWARD -s {subnet} -j ACCEPT && iptables-legacy -I FORWARD -d {subnet} -j ACCEPT",
    "firewalld": "firewall-cmd --zone=trusted --add-source={subnet}",
}
"""What to type or do, by what is lacking. `{words}` are filled in by the check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check saw. Without something that is `missing` netlab cannot work; a `warning` is good to know."""

    name: str
    state: State
    found: str
    cure: str = ""

    def __str__(self) -> str:
        """The words of the line: what was found, and unless it is well, the cure."""
        return f"{self.found}: {self.cure}" if self.cure else self.found


Look = Callable[[str], Finding]
"""A check: called with its name, it looks and changes nothing. May raise HostUnready for something missing, or OSError."""

Checks = tuple[tuple[str, Look], ...]
"""Names and checks in the order in which they are made; the first thing missing is often why later ones are."""


def ok(name: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(name=name, state="ok", found=found)


def warning(name: str, found: str, cure: str) -> Finding:
    """Return what will be in the way of somebody some day."""
    return Finding(name=name, state="warning", found=found, cure=cure)


def missing(name: str, found: str, cure: str) -> Finding:
    """Return what netlab cannot work without."""
    return Finding(name=name, state="missing", found=found, cure=cure)


def is_root() -> bool:
    """Tell whether the effective user is root."""
    return os.geteuid() == 0


def not_looked_at(name: str) -> Finding:
    """Return that a check was left out because only root can make it."""
    return warning(name, "not looked at, for that one must be root", CURES["root"])


def looked(name: str, look: Look) -> Finding:
    """Return what a check found; one that raises HostUnready found something missing, one that could not look says so."""
    try:
        return look(name)
    except HostUnready as error:
        found, _, cure = str(error).rpartition(": ")
        return missing(name, found or cure, cure if found else "")
    except OSError as error:
        return warning(name, f"could not be looked at ({error.filename or 'system'}: {error.strerror})", CURES["trial"])


def require(checks: Iterable[tuple[str, Look]]) -> None:
    """Make the checks in order. Raises HostUnready with the first one's words that finds something missing."""
    for name, look in checks:
        finding = looked(name, look)
        if finding.state == "missing":
            raise HostUnready(str(finding))
