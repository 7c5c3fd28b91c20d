"""What each field of a Node means, a sentence each, and of taints and tolerations."""

from __future__ import annotations

from netlab.model.explanations_status import Sentences
from netlab.model.node import Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, NodeSystemInfo
from netlab.model.taint import Taint, Toleration

NODE_SENTENCES: Sentences = {
    Node: {
        "metadata": "Name and labels; kubernetes.io/hostname, kubernetes.io/os and kubernetes.io/arch are set from the start.",
        "spec": "Where the Node's Pods get their addresses, and which Pods it takes.",
        "status": "What is known of the Node; made anew whenever somebody looks.",
    },
    NodeStatus: {
        "capacity": (
            "What the Node has: CPUs, memory and disk of the machine, which every Node reports whole although all share it, and"
            " as many Pods as its subnet has addresses for."
        ),
        "allocatable": "What of that Pods may have: all of it, because netlab keeps nothing back.",
        "conditions": "MemoryPressure, DiskPressure, PIDPressure and Ready, with the times and why.",
        "addresses": "The Node's address on the fabric, and its name.",
        "node_info": "What the Node runs on.",
    },
    NodeAddress: {
        "type": "InternalIP for the address on the fabric, Hostname for the Node's name.",
        "address": "The address or the name.",
    },
    NodeCondition: {
        "type": "MemoryPressure, DiskPressure, PIDPressure or Ready; netlab evicts nothing for want of memory, disk or PIDs.",
        "status": "True, False, or Unknown for all of them while the Node cannot be reached.",
        "last_heartbeat_time": "Until when the Node was heard of: it says so every five minutes, and when something changes.",
        "last_transition_time": "Since when the status is what it is.",
        "reason": "One word for why.",
        "message": "The same in words.",
    },
    NodeSystemInfo: {
        "machine_id": "The machine's own identity, from /etc/machine-id.",
        "system_uuid": "Empty: it is not asked for.",
        "boot_id": "A random identity of the time since the machine was booted.",
        "kernel_version": "The machine's kernel.",
        "os_image": "The machine's operating system in words.",
        "container_runtime_version": "What runs the containers.",
        "kubelet_version": "The version of netlab, which does a kubelet's work.",
        "operating_system": "Always linux.",
        "architecture": "The machine's processor, as Go calls it.",
    },
    NodeSpec: {
        "pod_cidr": (
            "The subnet of the Node's Pods, assigned once out of the lab's podSubnet; its first host is the Node's bridge cni0."
        ),
        "pod_cidrs": "The same as a list, one subnet for each IP family.",
        "taints": "What keeps Pods away that do not tolerate it.",
        "unschedulable": "Whether no further Pods are put here, unless they name the Node or tolerate that.",
    },
    Taint: {
        "key": "The name of the taint, a label key.",
        "value": "A word that may stand behind the key.",
        "effect": (
            "NoSchedule: no Pod that does not tolerate it is put here; PreferNoSchedule: only if there is no other Node;"
            " NoExecute: neither is such a Pod left here."
        ),
        "time_added": "When a NoExecute taint came (RFC 3339, UTC); tolerationSeconds count from it.",
    },
    Toleration: {
        "key": "The key of the taints that are tolerated; empty, with operator Exists: any.",
        "operator": (
            "Equal (also if left out): taints with this `value`; Exists: with any value; Gt and Lt, which newer versions of"
            " Kubernetes try out, are refused."
        ),
        "value": "The value of the taints that are tolerated; none with operator Exists.",
        "effect": "The effect of the taints that are tolerated; empty: any.",
        "toleration_seconds": (
            "For effect NoExecute, how many seconds the Pod stays on a Node with such a taint; for ever if left out, and not at"
            " all if 0 or less; every Pod gets 300 for node.kubernetes.io/not-ready and unreachable unless it says otherwise."
        ),
    },
}
