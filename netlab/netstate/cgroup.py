"""What a cgroup may use: the limits of a container's cgroup and of its Pod's. Source: kernel docs, cgroup-v1 and cgroup-v2."""

from __future__ import annotations

from netlab.frozen import dataclass

CPU_PERIOD_US = 100_000
LEAST_SHARES, MOST_SHARES = 2, 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupLimits:
    """0 is no limit. Of each CPU_PERIOD_US there are `cpu_quota_us` of processor time, of several processors together.

    `cpu_shares` say how processor time that is fought for is divided among the cgroups of one directory.
    """

    cpu_shares: int = LEAST_SHARES
    cpu_quota_us: int = 0
    memory_bytes: int = 0
    pids: int = 0
