"""What each field of each noun means: one sentence a field, shown by `netlab explain` and in docs/support.md.

Here stand what all objects share, the Lab and the small kinds; Pods, statuses and Services have files of their own. A sentence
says units, what netlab does with the field, and where that differs from Kubernetes. A test keeps it complete.
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.model.explanations_config import CONFIG_SENTENCES
from netlab.model.explanations_container import CONTAINER_SENTENCES
from netlab.model.explanations_node import NODE_SENTENCES
from netlab.model.explanations_pod import POD_SENTENCES
from netlab.model.explanations_probe import PROBE_SENTENCES
from netlab.model.explanations_security import SECURITY_SENTENCES
from netlab.model.explanations_service import SERVICE_SENTENCES
from netlab.model.explanations_status import STATUS_SENTENCES, WIRE_ONLY, Sentences
from netlab.model.explanations_volume import VOLUME_SENTENCES
from netlab.model.explanations_workload import WORKLOAD_SENTENCES
from netlab.model.kube_proxy import KubeProxy
from netlab.model.lab import Lab, LabSpec, NodeTemplate
from netlab.model.meta import LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference
from netlab.model.node import Namespace
from netlab.model.power import LabStatus, MachinePower

__all__ = ["EXPLANATIONS", "KINDS", "WIRE_ONLY", "Sentences"]

# What an object of each kind is.
KINDS: Mapping[str, str] = {
    "ConfigMap": "Text or bytes under keys, from which containers take environment variables or which they see as files.",
    "DaemonSet": "One Pod on each Node that fits: a changed template replaces them Node by Node.",
    "Deployment": (
        "A number of equal Pods, kept by ReplicaSets, one for each template it had: a changed template replaces the Pods step"
        " by step, so that a Service goes on answering, and `netlab rollout undo` goes back."
    ),
    "EndpointSlice": (
        "Addresses and ports behind a Service; netlab makes slices for every Service with a selector and keeps them up to"
        " date, and slices written by hand serve Services without one."
    ),
    "Endpoints": (
        "The older form of EndpointSlices, one object of the same name for a whole Service: written by hand it serves a Service"
        " without a selector, by slices that netlab makes of it; for one with a selector netlab makes it."
    ),
    "Event": "Something that happened to an object, for a human who asks why; made by netlab and never by a manifest.",
    "Job": "Pods that run to their end, until enough of them have ended well.",
    "Lab": (
        "The size and the address plan of a lab, for `netlab up -f`; a kind of netlab's own, which Kubernetes does not have"
        " and `netlab get` does not list."
    ),
    "ReplicaSet": "A number of equal Pods; Deployments make them, and one can be made by hand.",
    "Namespace": (
        "A scope for names, and no Linux namespace: deleting it deletes everything inside; `default` and `kube-system` always"
        " exist."
    ),
    "Node": (
        "A machine of the lab: a network namespace on the fabric with a bridge for its Pods, made by `netlab up` and not by"
        " manifests, which may only change its labels, annotations, taints and whether it takes Pods."
    ),
    "Pod": (
        "One or more containers that share one network namespace with one address, on one Node; the smallest thing that runs."
    ),
    "Secret": (
        "What is not for everybody, under keys, from which containers take environment variables or which they see as files;"
        " kept in a file that only root reads, and not encrypted."
    ),
    "Service": (
        "One fixed address and DNS name in front of changing Pods: on every Node, nft rules translate connections to it to one"
        " of its endpoints."
    ),
}

_META_SENTENCES: Sentences = {
    ObjectMeta: {
        "name": (
            "The object's name, unique among those of its kind in its Namespace, and its part of DNS names; names of"
            " Namespaces, Nodes and Services may have no dot, that of a Lab at most 20 characters."
        ),
        "namespace": (
            "The Namespace it lives in, which must exist: that of `-n`, or `default`, if left out; Namespaces, Nodes and Labs"
            " live in none."
        ),
        "labels": "Pairs by which Services, Deployments, nodeSelectors and `-l` find objects.",
        "annotations": "Pairs of a key and any text, kept and printed; netlab itself decides nothing by them.",
        "owner_references": (
            "Which object made this one and takes it along when it is deleted; netlab sets it on a Deployment's Pods and on"
            " the slices it makes for Services, and heeds no other owner."
        ),
        "uid": "A random identity, assigned once, that tells the object from a later one of the same name.",
        "creation_timestamp": "When the object was first stored (RFC 3339, UTC); AGE counts from it.",
        "deletion_timestamp": (
            "Set when the deletion has begun (RFC 3339, UTC); of a Pod it is the moment at which its containers get KILL."
        ),
        "deletion_grace_period_seconds": (
            "Seconds that the containers of a Pod that is being deleted get between TERM and KILL."
        ),
    },
    OwnerReference: {
        "kind": "Kind of the owner: ReplicaSet, DaemonSet or Job for Pods, Deployment for ReplicaSets.",
        "name": "Name of the owner.",
        "uid": "The owner's uid: one made again under the same name owns nothing of the one before.",
        "api_version": "The owner's apiVersion.",
        "controller": "Whether the owner is the one that keeps the number of such objects.",
        "block_owner_deletion": (
            "Whether the owner's deletion waits for this object; printed for Kubernetes' sake, without effect."
        ),
    },
    LabelSelector: {
        "match_labels": "Pairs that labels must have, all of them; without any demand, nothing is selected.",
        "match_expressions": "Further demands on labels, all of which must be met.",
    },
    LabelSelectorRequirement: {
        "key": "The label.",
        "operator": "In or NotIn: its value is one of `values`, or none of them; Exists or DoesNotExist: it is there, or not.",
        "values": "For In and NotIn.",
    },
}

_SMALL_SENTENCES: Sentences = {
    Namespace: {
        "metadata": "Name and labels; the name is a DNS label, because it becomes part of DNS names.",
    },
}

_LAB_SENTENCES: Sentences = {
    Lab: {
        "metadata": (
            "The lab's name, a DNS label; `up -f` takes it unless `--lab` says another one, and uses nothing else of it."
        ),
        "spec": (
            "Size and addresses; of a lab that is up only Nodes and their labels can be added, and network, kubeProxy and"
            " nodeMonitorGracePeriod changed."
        ),
        "status": "What was done to its machines.",
    },
    LabSpec: {
        "nodes": "The Nodes, from 1 to 64; node-1, node-2 and node-3 if left out.",
        "ip_family": (
            "The IP families of all addresses, in kind's words, which choose the subnets that are left out; by default those of"
            " podSubnet, else ipv4."
        ),
        "node_subnet": (
            "Addresses of the machines on the fabric (CIDR, or one for each family, joined by a comma): the first host is"
            " outside, the Nodes follow; by default 172.18.0.0/16 and fc00:f853:ccd:e793::/64."
        ),
        "pod_subnet": (
            "Addresses of all Pods (CIDR, or one for each family, joined by a comma), cut into one subnet for each Node; the"
            " first family is the primary one, in all subnets; by default 10.244.0.0/16 and fd00:10:244::/56."
        ),
        "node_cidr_mask": (
            "Prefix length, from 8 to 30 bits, of each Node's IPv4 part of podSubnet; 24 gives 253 Pods a Node."
        ),
        "node_cidr_mask_ipv6": "Prefix length, from 16 to 126 bits, of each Node's IPv6 part of podSubnet.",
        "service_subnet": (
            "Addresses of Services (CIDR, or one for each family, joined by a comma), /28 or larger, of IPv6 from /108 to /124:"
            " the first host stays free for an API server, the tenth is the cluster DNS; by default 10.96.0.0/16 and"
            " fd00:10:96::/112."
        ),
        "outside_subnet": (
            "The address (CIDR, or one for each family, joined by a comma) at which the machine outside stands for the"
            " Internet; by default 203.0.113.1/32 and 2001:db8::1/128."
        ),
        "load_balancer_subnet": "Addresses of load balancers (CIDR): one for each Service of type LoadBalancer.",
        "load_balancer_ip_mode": (
            "Who takes packets for a load balancer's address: VIP, each Node itself; Proxy, the machine outside, which leads"
            " them to NodePorts with its own address as their source, while Nodes have no rule for them; it can be changed"
            " while the lab is up."
        ),
        "network": (
            "How Pods reach those of other Nodes: by plain routes to the Nodes (host-gw), or through a tunnel of UDP packets"
            " between the Nodes (vxlan), which leaves Pods 50 bytes less of the MTU, over IPv6 70; it can be changed while the"
            " lab is up."
        ),
        "node_port_range": "First and last port for Services of type NodePort, joined by a dash.",
        "kube_proxy": "How the Nodes' rules for Services are made.",
        "cluster_domain": "The domain of all DNS names of the cluster, at most 120 characters.",
        "node_monitor_grace_period": (
            "Seconds for which a Node may be silent before the control plane gives it up, and its Pods stop being endpoints."
        ),
        "mtu": "The largest packet, in bytes, of every link of the lab, from 576 (with IPv6: 1280) to 65535.",
    },
    LabStatus: {
        "machines": "The Nodes whose machines were ever stopped by `netlab node stop`.",
    },
    MachinePower: {
        "name": "The Node's name.",
        "stopped_at": "Since when the machine is off; empty while it is on.",
        "notice_after_seconds": "How many seconds after that the control plane notices.",
        "noticed_at": "When the control plane gave the Node up.",
        "started_at": "When the machine was started the last time.",
    },
    NodeTemplate: {
        "name": "The Node's name, a DNS label other than outside and fabric, which are machines of every lab.",
        "labels": "Further labels of the Node, for nodeSelector.",
        "kube_proxy_mode": "The mode of this Node, nftables or iptables, if it is another than that in kubeProxy.",
    },
    KubeProxy: {
        "mode": "With which of Linux' tools a Node's rules for Services are made: nftables or iptables.",
        "detect_local_mode": (
            "How a Node knows the packets of Pods, which keep their source on the way to a ClusterIP: ClusterCIDR, by the"
            " podSubnet; NodeCIDR, by the Node's part of it; BridgeInterface and InterfaceNamePrefix, by the bridge cni0 they"
            " come through; None: they cannot be known, and nobody's source is replaced."
        ),
        "iptables_variant": (
            "Which of the two programs called iptables makes the rules of iptables mode, on all Nodes: nft, which keeps them in"
            " nf_tables, or legacy; never both, because neither shows what the other has written."
        ),
        "clean_stale_entries": (
            "Whether UDP flows to an endpoint that is none any more are forgotten, so that their next packet is sent to another"
            " one, as kube-proxy does it; false is for who wants to see what happens otherwise (`netlab demo stale-conntrack`)."
        ),
        "masquerade_all": "Whether also the source of Pods is replaced on the way to a ClusterIP.",
        "node_port_addresses": (
            "Ranges (CIDRs) of a Node's addresses at which it has its NodePorts, or the word `primary` for its own address;"
            " left out it is that in nftables mode, and all addresses in iptables mode."
        ),
    },
}

EXPLANATIONS: Sentences = {
    **_META_SENTENCES,
    **POD_SENTENCES,
    **NODE_SENTENCES,
    **CONTAINER_SENTENCES,
    **PROBE_SENTENCES,
    **SECURITY_SENTENCES,
    **VOLUME_SENTENCES,
    **STATUS_SENTENCES,
    **SERVICE_SENTENCES,
    **CONFIG_SENTENCES,
    **WORKLOAD_SENTENCES,
    **_SMALL_SENTENCES,
    **_LAB_SENTENCES,
}
