"""What each field of a Service and of an EndpointSlice means, a sentence each."""

from __future__ import annotations

from netlab.model.explanations_status import Sentences
from netlab.model.service import (
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    ObjectReference,
    Service,
    ServicePort,
    ServiceSpec,
)

SERVICE_SENTENCES: Sentences = {
    Service: {
        "metadata": (
            "Name, Namespace and labels; the name is a DNS-1035 label, because it becomes a DNS name and part of variables."
        ),
        "spec": "Which Pods stand behind the Service, and under which address and ports they are reached.",
    },
    ServiceSpec: {
        "type": (
            "ClusterIP gives a virtual address inside the cluster, NodePort also a port on every Node, ExternalName only a DNS"
            " alias; there is no LoadBalancer yet."
        ),
        "selector": (
            "Labels a Pod of the same Namespace must have, all of them, to stand behind the Service; without a selector"
            " nothing does, unless EndpointSlices are written by hand."
        ),
        "ports": "The ports clients connect to; only headless and ExternalName Services may have none.",
        "cluster_ip": (
            "The virtual address: left empty a free one of the lab's serviceSubnet is assigned and kept, a given one must be"
            " free and inside it, and None makes the Service headless, so that DNS answers with the Pods' own addresses."
        ),
        "cluster_ips": "The same as a list, one address for each IP family; leave it out, or repeat `clusterIP`.",
        "ip_families": "Which IP families the address has: only IPv4 is accepted yet.",
        "ip_family_policy": "How many IP families the Service has: only SingleStack is supported yet.",
        "external_name": (
            "With type ExternalName, and only then, the DNS name that the Service's own name is an alias (CNAME) of; nobody"
            " checks whether it can be resolved."
        ),
        "publish_not_ready_addresses": (
            "Whether Pods that are not ready count as ready endpoints too, for DNS and for packets alike."
        ),
        "session_affinity": "None: every connection gets an endpoint by chance, whoever the client is.",
        "internal_traffic_policy": "Which endpoints clients inside the cluster may get: only Cluster, those of all Nodes.",
        "external_traffic_policy": (
            "Which endpoints clients outside the cluster may get: only Cluster, those of all Nodes, which see a Node's address"
            " instead of the client's."
        ),
    },
    ServicePort: {
        "port": "The port, from 1 to 65535, at the Service's own address.",
        "name": (
            "A DNS label, required if there are several ports; it gives the port an SRV record and variables of its own, and"
            " ties it to the port of the same name in EndpointSlices."
        ),
        "protocol": "TCP or UDP; one number may be used once with each.",
        "target_port": (
            "The port of the Pods: a number, or the name of a container's port, which may have another number in every Pod;"
            " the same as `port` if left out."
        ),
        "node_port": (
            "With type NodePort the port at every Node's own address, inside the lab's nodePortRange; left out or 0, a free"
            " one is assigned and kept."
        ),
        "app_protocol": "What is spoken on the port, such as http; copied into EndpointSlices and otherwise unused.",
    },
    EndpointSlice: {
        "metadata": (
            "Name, Namespace and labels; the label kubernetes.io/service-name says which Service of the Namespace the slice"
            " belongs to, and without it the slice has no effect."
        ),
        "address_type": "The family of all addresses in the slice: only IPv4 is accepted yet.",
        "endpoints": "The backends, at most 1000; netlab puts at most 100 into each slice that it makes itself.",
        "ports": "The ports that every endpoint of the slice serves.",
    },
    Endpoint: {
        "addresses": (
            "The backend's addresses, from 1 to 100, of which only the first is used; loopback, link-local and multicast"
            " addresses are refused."
        ),
        "conditions": "Whether the backend can take traffic; left out, it is ready.",
        "hostname": (
            "A DNS label under which a headless Service's DNS names this one backend; if empty, its address with dashes."
        ),
        "node_name": "The Node the backend runs on, for information.",
        "target_ref": "The object behind the address, for information.",
    },
    EndpointConditions: {
        "ready": "Whether the backend gets new connections.",
        "serving": (
            "Whether it still answers; while no endpoint of the Service is ready, those that are serving and terminating get"
            " the connections."
        ),
        "terminating": "Whether its Pod is being deleted.",
    },
    ObjectReference: {
        "kind": "Kind of the object.",
        "name": "Its name.",
        "namespace": "Its Namespace.",
        "uid": "Its uid, which tells it from a later object of the same name.",
    },
    EndpointPort: {
        "port": "The number, from 1 to 65535, at the backend: where a packet's destination is translated to.",
        "name": "The name of the Service's port that leads here; empty for a port without a name.",
        "protocol": "TCP or UDP; must be that of the Service's port.",
        "app_protocol": "What is spoken on the port, such as http; unused.",
    },
}
