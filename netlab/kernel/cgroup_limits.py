"""Limits as crun and the kernel read them: the `resources` of config.json, and the files of a Pod's cgroup. Pure.

crun knows both versions of cgroups, makes the cgroup of a container and writes its limits. Of the directory above, the Pod's,
it knows nothing. In cgroup v2 there are weights from 1 to 10000 instead of shares from 2 to 262144.
Source: OCI runtime-spec, config-linux; crun(1), "CPU controller"; kernel docs, cgroup-v1 (cpu.shares, pids) and cgroup-v2.
"""

from __future__ import annotations

from typing import Any

from netlab.netstate.cgroup import CPU_PERIOD_US, LEAST_SHARES, MOST_SHARES, CgroupLimits

LEAST_WEIGHT, MOST_WEIGHT = 1, 10_000
# Nodes of other devices, a disk's for example, may be made and not opened: null, zero, full, random, urandom, tty, ptmx, pts/*.
DEVICES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, None))


def oci_resources(limits: CgroupLimits, *, counts_swap: bool = False) -> dict[str, Any]:
    """Return `linux.resources` of a container. `counts_swap`: a limit of memory counts what is swapped out too."""
    found: dict[str, Any] = {"devices": _device_rules(), "cpu": {"shares": limits.cpu_shares}}
    if limits.cpu_quota_us:
        found["cpu"] |= {"quota": limits.cpu_quota_us, "period": CPU_PERIOD_US}
    if limits.memory_bytes:
        found["memory"] = {"limit": limits.memory_bytes} | ({"swap": limits.memory_bytes} if counts_swap else {})
    if limits.pids:
        found["pids"] = {"limit": limits.pids}
    return found


def pod_files(limits: CgroupLimits) -> dict[str, str]:
    """Return the files of a Pod's cgroup with their texts, of both versions: a directory has some of them."""
    weight = LEAST_WEIGHT + (limits.cpu_shares - LEAST_SHARES) * (MOST_WEIGHT - LEAST_WEIGHT) // (MOST_SHARES - LEAST_SHARES)
    return {
        "cpu.shares": str(limits.cpu_shares),
        "cpu.weight": str(weight),
        "pids.max": str(limits.pids or "max"),
    }


def _device_rules() -> list[dict[str, Any]]:
    """All is forbidden, then some is allowed: the last rule that fits counts."""
    numbers = ({"major": major} | ({} if minor is None else {"minor": minor}) for major, minor in DEVICES)
    return [
        {"allow": False, "access": "rwm"},
        *({"allow": True, "type": kind, "access": "m"} for kind in "bc"),
        *({"allow": True, "type": "c", "access": "rwm"} | number for number in numbers),
    ]
