"""What each field of each noun means: one sentence a field, shown by `netlab explain` and in docs/support.md.

Here stand what all objects share, the Lab and the small kinds; Pods, statuses and Services have files of their own. A sentence
says units, what netlab does with the field, and where that differs from Kubernetes. A test keeps it complete.
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.model.explanations_pod import POD_SENTENCES
from netlab.model.explanations_service import SERVICE_SENTENCES
from netlab.model.explanations_status import STATUS_SENTENCES, WIRE_ONLY, Sentences
from netlab.model.lab import Lab, LabSpec, NodeTemplate
from netlab.model.meta import LabelSelector, ObjectMeta, OwnerReference
from netlab.model.workload import (
    ConfigMap,
    Deployment,
    DeploymentSpec,
    Namespace,
    Node,
    NodeSpec,
    PodTemplateSpec,
    TemplateMeta,
)

__all__ = ["EXPLANATIONS", "KINDS", "WIRE_ONLY", "Sentences"]

# What an object of each kind is.
KINDS: Mapping[str, str] = {
    "ConfigMap": "Text under keys, from which containers take environment variables; it cannot be mounted as files yet.",
    "Deployment": (
        "A number of equal Pods that netlab keeps: one that ends or is deleted is replaced, and a changed template replaces"
        " all of them at once, since there are no ReplicaSets and no rolling updates yet."
    ),
    "EndpointSlice": (
        "Addresses and ports behind a Service; netlab makes slices for every Service with a selector and keeps them up to"
        " date, and slices written by hand serve Services without one."
    ),
    "Event": "Something that happened to an object, for a human who asks why; made by netlab and never by a manifest.",
    "Lab": (
        "The size and the address plan of a lab, for `netlab up -f`; a kind of netlab's own, which Kubernetes does not have"
        " and `netlab get` does not list."
    ),
    "Namespace": (
        "A scope for names, and no Linux namespace: deleting it deletes everything inside; `default` and `kube-system` always"
        " exist."
    ),
    "Node": (
        "A machine of the lab: a network namespace on the fabric with a bridge for its Pods, made by `netlab up` and not by"
        " manifests, which may only change its labels and annotations."
    ),
    "Pod": (
        "One or more containers that share one network namespace with one address, on one Node; the smallest thing that runs."
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
        "kind": "Kind of the owner: ReplicaSet for a Deployment's Pods, although netlab has no such objects.",
        "name": "Name of the owner; that of a Deployment's ReplicaSet is the Deployment's and a hash of its template.",
        "uid": "The owner's uid; of a Deployment's Pods it is the uid of the Deployment.",
        "api_version": "The owner's apiVersion.",
        "controller": "Whether the owner is the one that keeps the number of such objects.",
        "block_owner_deletion": (
            "Whether the owner's deletion waits for this object; printed for Kubernetes' sake, without effect."
        ),
    },
    LabelSelector: {
        "match_labels": "Pairs that labels must have, all of them; without any, nothing is selected.",
    },
}

_WORKLOAD_SENTENCES: Sentences = {
    Deployment: {
        "metadata": "Name, Namespace and labels; the names of its Pods begin with its name.",
        "spec": "How many Pods are wished for, and what each is made from.",
        "status": "How many there are; counted whenever somebody looks.",
    },
    DeploymentSpec: {
        "selector": "The labels by which the Deployment knows its Pods, required and never to be changed.",
        "template": "What each Pod is made from; changing it replaces all Pods at once.",
        "replicas": "How many Pods are wished for; 0 deletes them all.",
    },
    PodTemplateSpec: {
        "metadata": "Labels and annotations that each Pod gets.",
        "spec": "The spec that each Pod gets; its restartPolicy must be Always.",
    },
    TemplateMeta: {
        "name": "Accepted, and without effect: each Pod's name is made from the Deployment's.",
        "labels": "Labels of each Pod, those of the selector among them; netlab adds pod-template-hash.",
        "annotations": "Annotations of each Pod.",
    },
    ConfigMap: {
        "metadata": "Name, Namespace and labels.",
        "data": (
            "Text under keys, at most 1 MiB of keys and text in all; a change reaches a container when it starts the next time."
        ),
    },
    Namespace: {
        "metadata": "Name and labels; the name is a DNS label, because it becomes part of DNS names.",
    },
    Node: {
        "metadata": "Name and labels; kubernetes.io/hostname and kubernetes.io/os are set from the start.",
        "spec": "Where the Node's Pods get their addresses.",
        "internal_ip": "The Node's address on the fabric, and its name.",
        "is_ready": "Ready, while the Node's network namespace exists.",
    },
    NodeSpec: {
        "pod_cidr": (
            "The subnet of the Node's Pods, assigned once out of the lab's podSubnet; its first host is the Node's bridge cni0."
        ),
        "pod_cidrs": "The same as a list, one subnet for each IP family.",
    },
}

_LAB_SENTENCES: Sentences = {
    Lab: {
        "metadata": (
            "The lab's name, a DNS label; `up -f` takes it unless `--lab` says another one, and uses nothing else of it."
        ),
        "spec": "Size and addresses; of a lab that is up only Nodes and their labels can be added.",
    },
    LabSpec: {
        "nodes": "The Nodes, from 1 to 64; node-1, node-2 and node-3 if left out.",
        "node_subnet": ("Addresses of the machines on the fabric (CIDR): the first host is outside, the Nodes follow."),
        "pod_subnet": "Addresses of all Pods (CIDR), cut into one subnet for each Node.",
        "node_cidr_mask": "Prefix length, from 8 to 30 bits, of each Node's part of podSubnet; 24 gives 253 Pods a Node.",
        "service_subnet": (
            "Addresses of Services (CIDR), /28 or larger: the first host stays free for an API server, the tenth is the"
            " cluster DNS."
        ),
        "outside_subnet": "The address, in CIDR notation, at which the machine outside stands for the Internet.",
        "node_port_range": "First and last port for Services of type NodePort, joined by a dash.",
        "cluster_domain": "The domain of all DNS names of the cluster, at most 120 characters.",
        "mtu": "The largest packet, in bytes, of every link of the lab, from 576 to 65535.",
    },
    NodeTemplate: {
        "name": "The Node's name, a DNS label other than outside and fabric, which are machines of every lab.",
        "labels": "Further labels of the Node, for nodeSelector.",
    },
}

EXPLANATIONS: Sentences = {
    **_META_SENTENCES,
    **POD_SENTENCES,
    **STATUS_SENTENCES,
    **SERVICE_SENTENCES,
    **_WORKLOAD_SENTENCES,
    **_LAB_SENTENCES,
}
