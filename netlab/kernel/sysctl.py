"""Kernel parameters of a network namespace: files below /proc/sys/net. Source: sysctl(8), networking/ip-sysctl.

The kernel shows there the parameters of the namespace of the thread that opens a file, so the caller's thread is inside.
A machine without IPv6 has no net.ipv6 files, one without br_netfilter no net.bridge files: the value that such a machine
behaves by counts as theirs (UNLESS_PRESENT), and writing that value is nothing to do.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Final

from netlab.netstate.links import UNLESS_PRESENT, Sysctl

# What is looked at in every namespace: all that netlab ever sets.
SYSCTLS_OBSERVED: Final = (
    "net.ipv4.ip_forward",
    "net.ipv4.conf.all.send_redirects",
    "net.ipv4.conf.default.send_redirects",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
    "net.ipv4.conf.all.route_localnet",
    "net.netfilter.nf_conntrack_tcp_be_liberal",
    "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.conf.default.disable_ipv6",
    "net.ipv6.conf.default.accept_ra",
    "net.ipv6.conf.default.accept_redirects",
    "net.ipv6.conf.default.addr_gen_mode",
    "net.ipv6.conf.all.forwarding",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
)

_ALLOWED = re.compile(r"net\.[a-z0-9_./-]+")
_VALUE_BYTES = 4096


def read(key: str) -> str | None:
    """Return the value without its newline; None if this kernel has no such parameter. Raises OSError."""
    try:
        descriptor = os.open(_path(key), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return UNLESS_PRESENT.get(key)
    try:
        return os.read(descriptor, _VALUE_BYTES).decode().rstrip("\n")
    finally:
        os.close(descriptor)


def write(sysctl: Sysctl) -> None:
    """Write the value. Raises OSError, FileNotFoundError if the kernel has no such parameter and does not behave so anyway."""
    try:
        descriptor = os.open(_path(sysctl.key), os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        if UNLESS_PRESENT.get(sysctl.key) == sysctl.value:
            return
        raise
    try:
        os.write(descriptor, sysctl.value.encode() + b"\n")
    finally:
        os.close(descriptor)


def observe() -> frozenset[Sysctl]:
    """Return all SYSCTLS_OBSERVED that this kernel has, with their values here."""
    found = ((key, read(key)) for key in SYSCTLS_OBSERVED)
    return frozenset(Sysctl(key=key, value=value) for key, value in found if value is not None)


@functools.cache
def _path(key: str) -> str:
    """Return the file of a key; only parameters of the network namespace, and no way out of the directory."""
    path = Sysctl(key=key, value="").path
    if not _ALLOWED.fullmatch(key) or ".." in path or "//" in path:
        raise PermissionError(1, f"{key} is no parameter of a network namespace")
    return path
