"""What the machine must have before a network can be built: rights, kernel features, libraries, each with its cure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from netlab.errors import HostUnready
from netlab.kernel import nft
from netlab.kernel.machine import require_root
from netlab.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket

NFT_MINIMUM: Final = (1, 0, 6)

_CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}
_CONNTRACK_FILE: Final = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")


def check_host() -> None:
    """Raise HostUnready with the first thing that is missing and its cure; load the conntrack module if it is one."""
    _check_rights()
    _check_proc()
    _check_kernel()
    _check_nft()


def _check_rights() -> None:
    require_root()
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    effective = int(found[1], 16) if found else 0
    missing = [name for name, bit in _CAPABILITIES.items() if not effective & 1 << bit]
    if missing:
        raise HostUnready(f"root lacks {' and '.join(missing)} here: run netlab on a VM, or in a container with --privileged")


def _check_proc() -> None:
    if not Path("/proc/sys/net/ipv4/ip_forward").exists():
        raise HostUnready("/proc/sys/net is missing: mount -t proc proc /proc")
    if not os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK):
        raise HostUnready("/proc/sys is read-only: mount -o remount,rw /proc/sys")


def _check_kernel() -> None:
    """The parameters of conntrack exist in a namespace only if the module is loaded before they are written."""
    for protocol, cure in ((NETLINK_ROUTE, "CONFIG_NET_NS"), (NETLINK_NETFILTER, "modprobe nfnetlink")):
        try:
            NetlinkSocket(protocol).close()
        except OSError as error:
            raise HostUnready(f"the kernel refuses netlink ({error.strerror}): {cure}") from error
    if not _CONNTRACK_FILE.exists() and (modprobe := shutil.which("modprobe")):
        subprocess.run([modprobe, "nf_conntrack"], check=False, capture_output=True)
    if not _CONNTRACK_FILE.exists():
        raise HostUnready("the kernel has no connection tracking: modprobe nf_conntrack")


def _check_nft() -> None:
    program = shutil.which("nft")
    if not program:
        raise HostUnready(f"nft is missing: {nft.CURE}")
    nft.load_library()
    answer = subprocess.run([program, "--version"], check=False, capture_output=True, text=True).stdout
    version = parse_version(answer)
    if version < NFT_MINIMUM:
        least = ".".join(map(str, NFT_MINIMUM))
        raise HostUnready(f"nft {least} or newer is needed, found {answer.strip() or 'none'}: {nft.CURE}")


def parse_version(answer: str) -> tuple[int, ...]:
    """Return the version in `nft --version`'s answer as numbers, () if there is none."""
    found = re.search(r"v(\d+(?:\.\d+)+)", answer)
    return tuple(int(part) for part in found[1].split(".")) if found else ()
