"""Requests and limits in the words of cgroups, as the kubelet translates them. Pure.

A Pod's own cgroup shares out processor time among Pods by what they ask for, and holds all its containers to one number of
processes: without it, one that starts itself again and again would take the machine along.
Source: kubelet cm/helpers_linux.go (MilliCPUToShares, MilliCPUToQuota, ResourceConfigForPod); podPidsLimit.
"""

from __future__ import annotations

from netlab.model.pod import PodSpec
from netlab.model.quantity import ZERO, Quantity
from netlab.model.resources import ResourceRequirements, amounts, pod_requests
from netlab.netstate.cgroup import CPU_PERIOD_US, LEAST_SHARES, MOST_SHARES, CgroupLimits

SHARES_OF_A_PROCESSOR = 1024
LEAST_QUOTA_US = 1000
POD_PIDS = 4096


def container_limits(resources: ResourceRequirements) -> CgroupLimits:
    """Return what the cgroup of a container may use."""
    requests, limits = amounts(resources.requests), amounts(resources.limits)
    return CgroupLimits(
        cpu_shares=_shares(requests.get("cpu", ZERO)),
        cpu_quota_us=_quota(limits.get("cpu", ZERO)),
        memory_bytes=limits.get("memory", ZERO).units,
    )


def pod_cgroup_limits(spec: PodSpec) -> CgroupLimits:
    """Return what the cgroup around those of a Pod's containers may use."""
    return CgroupLimits(cpu_shares=_shares(pod_requests(spec).get("cpu", ZERO)), pids=POD_PIDS)


def _shares(cpu: Quantity) -> int:
    return min(max(cpu.thousandths * SHARES_OF_A_PROCESSOR // 1000, LEAST_SHARES), MOST_SHARES)


def _quota(cpu: Quantity) -> int:
    return max(cpu.thousandths * CPU_PERIOD_US // 1000, LEAST_QUOTA_US) if cpu.nano else 0
