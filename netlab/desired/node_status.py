"""`status` of a Node, as its kubelet and the node controller would write it, from what is known of its machine. Pure.

All Nodes of a lab share one machine, and each reports all of it: three Nodes have three times the CPUs that there are, but
what they use together is the machine's. The Pods that a Node has room for are the addresses of its subnet, not kubelet's 110.
A Node that is as it should be reports at least every five minutes; one that is off was heard last when it was stopped.
Source: kubelet nodestatus/setters.go (reasons and messages), eviction thresholds; node_lifecycle_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

from netlab.desired.power import power_of
from netlab.model.lab import Lab
from netlab.model.node import Node, NodeCondition, NodeStatus, NodeSystemInfo, Quantities
from netlab.model.power import MachinePower
from netlab.model.times import epoch, rfc3339
from netlab.netstate.machine import Machine

KIB, MIB = 1024, 1024**2
REPORTS_EVERY_S = 300
NOT_A_POD = 3  # of a subnet's addresses: the network, the bridge and the broadcast address
MAX_PODS = (1 << 16) - NOT_A_POD  # of a Node with IPv6 alone, whose subnet is no limit: as many as an IPv4 subnet could have
LEAST_MEMORY = 100 * MIB
LEAST_DISK = 0.1
LEAST_PIDS = 100

# Condition, the reason and the message while there is enough, and those while there is not.
PRESSURES = (
    (
        "MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available",
        "KubeletHasInsufficientMemory", "kubelet has insufficient memory available",
    ),
    (
        "DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", "KubeletHasDiskPressure",
        "kubelet has disk pressure",
    ),
    (
        "PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available", "KubeletHasInsufficientPID",
        "kubelet has insufficient PID available",
    ),
)  # fmt: skip
SILENT = "Kubelet stopped posting node status."


def node_status(
    node: Node, lab: Lab, machine: Machine, *, pod_cidrs: Sequence[str], is_there: bool, versions: tuple[str, str], now: float
) -> NodeStatus:
    """Return the status without addresses.

    Args:
        node: the Node as it is wished.
        lab: knows which machines are off.
        machine: the machine as it is now.
        pod_cidrs: the subnets of the Node's Pods, one of each family; empty: none was assigned yet.
        is_there: whether the Node's network namespace exists.
        versions: of the container runtime (`crun://1.8.1`) and of netlab, which does a kubelet's work.
        now: seconds since the epoch.
    """
    has = capacity(machine, pod_cidrs)
    return NodeStatus(
        capacity=has,
        allocatable=has,
        conditions=tuple(_conditions(node, power_of(lab, node.metadata.name), machine, is_there=is_there, now=now)),
        node_info=NodeSystemInfo(
            machine_id=machine.machine_id,
            boot_id=machine.boot_id,
            kernel_version=machine.kernel,
            os_image=machine.os_image,
            container_runtime_version=versions[0],
            kubelet_version=versions[1],
            operating_system="linux",
            architecture=machine.architecture,
        ),
    )


def capacity(machine: Machine, pod_cidrs: Sequence[str] = ()) -> Quantities:
    """Return what a Node has: all of the machine, and as many Pods as each of its subnets has addresses for."""
    pods = min((MAX_PODS, *(ip_network(cidr).num_addresses - NOT_A_POD for cidr in pod_cidrs))) if pod_cidrs else 0
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.disk // KIB}Ki",
        "memory": f"{machine.memory // KIB}Ki",
        "pods": str(max(0, pods)),
    }


def _conditions(node: Node, power: MachinePower, machine: Machine, *, is_there: bool, now: float) -> list[NodeCondition]:
    since = power.started_at or node.metadata.creation_timestamp
    if power.noticed_at:
        silent = NodeCondition(
            type="Ready", status="Unknown", reason="NodeStatusUnknown", message=SILENT, last_heartbeat_time=power.stopped_at,
            last_transition_time=power.noticed_at,
        )  # fmt: skip
        return [*(replace(silent, type=row[0]) for row in PRESSURES), silent]
    heard = power.stopped_at or _last_report(since, now)
    ready = NodeCondition(
        type="Ready", status="True", reason="KubeletReady", message="kubelet is posting ready status",
        last_heartbeat_time=heard, last_transition_time=since,
    )  # fmt: skip
    if not is_there and not power.stopped_at:
        missing = "the Node's network namespace is missing"
        ready = replace(ready, status="False", reason="KubeletNotReady", message=missing, last_transition_time=heard)
    return [*_pressures(machine, heard, since), ready]


def _pressures(machine: Machine, heard: str, since: str) -> Iterator[NodeCondition]:
    short = (
        machine.memory_available < LEAST_MEMORY,
        machine.disk_available < LEAST_DISK * machine.disk,
        machine.pids_available < LEAST_PIDS,
    )
    for (kind, good, fine, bad, worse), lacks in zip(PRESSURES, short, strict=True):
        yield NodeCondition(
            type=kind, status="True" if lacks else "False", reason=bad if lacks else good, message=worse if lacks else fine,
            last_heartbeat_time=heard, last_transition_time=heard if lacks else since,
        )  # fmt: skip


def _last_report(since: str, now: float) -> str:
    """The last time at which a Node that is `since` then as it should be has said so."""
    begun = epoch(since) if since else now
    return rfc3339(now - max(0.0, now - begun) % REPORTS_EVERY_S)
