"""What each field of a Service, of an EndpointSlice and of Endpoints means, a sentence each."""

from __future__ import annotations

from netlab.model.endpoints import EndpointAddress, Endpoints, EndpointSubset
from netlab.model.explanations_status import Sentences
from netlab.model.service import (
    ClientIPConfig,
    Endpoint,
    EndpointConditions,
    EndpointHints,
    EndpointPort,
    EndpointSlice,
    ForNode,
    ForZone,
    LoadBalancerIngress,
    LoadBalancerStatus,
    ObjectReference,
    Service,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
    SessionAffinityConfig,
)

SERVICE_SENTENCES: Sentences = {
    Service: {
        "metadata": (
            "Name, Namespace and labels; the name is a DNS-1035 label, because it becomes a DNS name and part of variables."
        ),
        "spec": "Which Pods stand behind the Service, and under which address and ports they are reached.",
        "status": "What the Service was given besides its ClusterIP.",
    },
    ServiceStatus: {
        "load_balancer": "The load balancer of a Service of type LoadBalancer.",
    },
    LoadBalancerStatus: {
        "ingress": "Its addresses, out of the lab's loadBalancerSubnet; none if another loadBalancerClass is to give them.",
    },
    LoadBalancerIngress: {
        "ip": "The address.",
        "ip_mode": (
            "VIP: the Nodes translate packets for the address themselves; Proxy: they leave them to the load balancer; it is"
            " what the lab's loadBalancerIPMode says."
        ),
    },
    SessionAffinityConfig: {
        "client_ip": "How clients are remembered with sessionAffinity ClientIP.",
    },
    ClientIPConfig: {
        "timeout_seconds": (
            "How many seconds after its last new connection a client is forgotten, from 1 to 86400; 10800 (three hours) if left"
            " out."
        ),
    },
    ServiceSpec: {
        "type": (
            "ClusterIP gives a virtual address inside the cluster, NodePort also a port on every Node, LoadBalancer also an"
            " address that is reached from outside, ExternalName only a DNS alias."
        ),
        "selector": (
            "Labels a Pod of the same Namespace must have, all of them, to stand behind the Service; without a selector"
            " nothing does, unless EndpointSlices or Endpoints are written by hand."
        ),
        "ports": "The ports clients connect to; only headless and ExternalName Services may have none.",
        "cluster_ip": (
            "The virtual address: left empty a free one of the lab's serviceSubnet is assigned and kept, a given one must be"
            " free and inside it, and None makes the Service headless, so that DNS answers with the Pods' own addresses."
        ),
        "cluster_ips": "The same as a list, one address for each IP family; leave it out, or repeat `clusterIP`.",
        "ip_families": "The IP families of its addresses, in order; the lab's first one if left out.",
        "ip_family_policy": (
            "SingleStack (also if left out): an address of one family; PreferDualStack: of both where the lab has both;"
            " RequireDualStack: of both, or none; in a lab of both, a headless one without a selector has this if left out."
        ),
        "external_ips": (
            "Further addresses at which every Node answers for the Service; the first Service that names one has it, and"
            " `outside` is given a route to a Node."
        ),
        "load_balancer_ip": "With type LoadBalancer the address it wishes for, out of the lab's loadBalancerSubnet.",
        "load_balancer_source_ranges": (
            "With type LoadBalancer the ranges (CIDRs) that may use its address, Pods and Nodes too; others are dropped, and"
            " the NodePort is open to all."
        ),
        "load_balancer_class": "With type LoadBalancer whose load balancer it wishes for; with any, netlab gives no address.",
        "allocate_load_balancer_node_ports": (
            "With type LoadBalancer whether its ports have NodePorts too, besides those that say their own; true if left out."
        ),
        "health_check_node_port": (
            "With type LoadBalancer and externalTrafficPolicy Local the port at which every Node says by HTTP whether it has"
            " ready endpoints: 200, or 503; left out or 0, a free NodePort is assigned and kept."
        ),
        "session_affinity_config": "How long clients are remembered; with sessionAffinity ClientIP only.",
        "traffic_distribution": (
            "PreferSameZone (or PreferClose): clients get the endpoints of their Node's zone (label"
            " topology.kubernetes.io/zone) while there are some; PreferSameNode: those of their Node before them."
        ),
        "external_name": (
            "With type ExternalName, and only then, the DNS name that the Service's own name is an alias (CNAME) of; nobody"
            " checks whether it can be resolved."
        ),
        "publish_not_ready_addresses": (
            "Whether Pods that are not ready count as ready endpoints too, for DNS and for packets alike."
        ),
        "session_affinity": (
            "None: every connection gets an endpoint by chance; ClientIP: a client's new connections go to the endpoint of its"
            " last one, on each Node and for each port of its own."
        ),
        "internal_traffic_policy": (
            "Which endpoints a ClusterIP leads to: Cluster, those of all Nodes, or Local, those of the client's Node; if it has"
            " none, packets are dropped."
        ),
        "external_traffic_policy": (
            "Which endpoints NodePorts, externalIPs and load balancers lead to: Cluster, those of all Nodes, which see a Node's"
            " address instead of the client's; or Local, those of the Node that was asked, which see the client's; if it has"
            " none, packets are dropped, but those of Pods and of the Node itself go to all."
        ),
    },
    ServicePort: {
        "port": "The port, from 1 to 65535, at the Service's own address.",
        "name": (
            "A DNS label, required if there are several ports; it gives the port an SRV record and variables of its own, and"
            " ties it to the port of the same name in EndpointSlices."
        ),
        "protocol": "TCP, UDP or SCTP; one number may be used once with each.",
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
        "address_type": "The family of all addresses in the slice: IPv4 or IPv6.",
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
        "node_name": "The Node the backend runs on: under a policy Local its clients there get it.",
        "zone": "The zone of that Node, for information.",
        "hints": (
            "Whose clients are to use the backend; followed if every ready one of the Service has hints and one of them is"
            " meant for the client's Node or zone."
        ),
        "target_ref": "The object behind the address, for information.",
    },
    EndpointHints: {
        "for_zones": "The zones whose clients are to use it.",
        "for_nodes": "The Nodes whose clients are to use it; looked at before the zones.",
    },
    ForZone: {"name": "The zone, as Nodes are labelled topology.kubernetes.io/zone."},
    ForNode: {"name": "The Node."},
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
    Endpoints: {
        "metadata": (
            "Name, Namespace and labels; the name is the Service's, and the label endpointslice.kubernetes.io/skip-mirror: true"
            " keeps netlab from making slices, and so the Endpoints from having an effect."
        ),
        "subsets": "The backends; one slice is made for each set of ports and each IP family in them.",
    },
    EndpointSubset: {
        "addresses": "Backends that are ready; of a subset's addresses only the first 1000 count.",
        "not_ready_addresses": "Backends that are not; they get no connections.",
        "ports": "The ports that each of the addresses serves.",
    },
    EndpointAddress: {
        "ip": "The backend's address; loopback, link-local and multicast addresses are refused.",
        "hostname": (
            "A DNS label under which a headless Service's DNS names this one backend; if empty, its address with dashes."
        ),
        "node_name": "The Node the backend runs on: under a policy Local its clients there get it.",
        "target_ref": "The object behind the address, for information.",
    },
    EndpointPort: {
        "port": "The number, from 1 to 65535, at the backend: where a packet's destination is translated to.",
        "name": "The name of the Service's port that leads here; empty for a port without a name.",
        "protocol": "TCP, UDP or SCTP; must be that of the Service's port.",
        "app_protocol": "What is spoken on the port, such as http; unused.",
    },
}
