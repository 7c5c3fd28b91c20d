"""Kernel parameters that a Pod may set for itself: those that are its namespaces' own and harm nobody else.

Source: Kubernetes docs, Using sysctls in a Kubernetes Cluster (safe sysctls, as of 1.32).
"""

from __future__ import annotations

from netlab.frozen import dataclass

SAFE = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """One parameter by its dotted name, and the text that is written to it."""

    name: str
    value: str
