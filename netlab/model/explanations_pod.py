"""What each field of a Pod's wish means, a sentence each, but for its containers and volumes.

Keys are the nouns' own field names; `fields` turns them into the names of the manifest. Defaults and allowed values are left
to the type hints, unless a default says little by itself.
"""

from __future__ import annotations

from netlab.model.explanations_status import Sentences
from netlab.model.pod import HostAlias, Pod, PodDNSConfig, PodDNSConfigOption, PodSpec

POD_SENTENCES: Sentences = {
    Pod: {
        "metadata": "Name, Namespace, labels and everything else that tells this Pod from others.",
        "spec": "What is wished for: containers, volumes, and where and how they run.",
        "status": "What was last seen of the Pod; netlab writes it, and reads over it in manifests.",
    },
    PodSpec: {
        "containers": (
            "The programs of the Pod, at least one, which share its network, IPC and host name and all run on one Node."
        ),
        "init_containers": (
            "Programs that run one after the other before `containers` start, each when the one before has ended with 0;"
            " sidecars among them go on running."
        ),
        "volumes": "Directories and files that the Pod's containers can mount, and through which they can share files.",
        "restart_policy": (
            "Whether a container that ended is started again: always, only after a failure, or never; the first restart comes"
            " at once, the next after 10 s, 20 s, 40 s and so on up to 300 s, and ten minutes of running clear the count."
        ),
        "node_name": (
            "The Node to run on, chosen by the scheduler if empty; a name that no Node has leaves the Pod Pending, and a Pod"
            " never moves to another Node."
        ),
        "security_context": "As whom the Pod's containers run, and which group owns its emptyDir volumes.",
        "node_selector": (
            "Labels a Node must have, all of them, to be chosen; of those that fit, the Node with the fewest Pods is taken."
        ),
        "tolerations": (
            "Taints of Nodes that do not keep the Pod away; two that every Pod has, for Nodes that are not ready or cannot be"
            " reached, are shown too."
        ),
        "hostname": "The host name inside the Pod; if empty, the Pod's name, cut to 63 characters.",
        "set_hostname_as_fqdn": (
            "With true, the host name that programs see is the full one, of hostname, subdomain and the cluster's domain, which"
            " must not be longer than 64 characters."
        ),
        "host_network": (
            "With true, the Pod is in the network of its Node: it has the Node's address, name and ports, and no network"
            " namespace of its own."
        ),
        "host_pid": (
            "Only false: a Node has no processes of its own, and those of the machine are not the lab's to show or to end."
        ),
        "host_ipc": "Only false: a Node has no shared memory of its own, and that of the machine is not the lab's.",
        "subdomain": (
            "The second part of the Pod's full name in its /etc/hosts; if a headless Service has this name and selects the"
            " Pod, its `hostname` also becomes a DNS name below that Service."
        ),
        "termination_grace_period_seconds": (
            "Seconds between TERM and KILL when the Pod is deleted or a container is replaced; 0 kills at once."
        ),
        "share_process_namespace": (
            "Whether all containers see each other's processes and have the pause process as PID 1; true unless said"
            " otherwise, while Kubernetes' default is false."
        ),
        "enable_service_links": (
            "Whether containers get variables such as WEB_SERVICE_HOST and WEB_PORT for every Service of their Namespace that"
            " has a ClusterIP when they start."
        ),
        "dns_policy": (
            "How the Pod's /etc/resolv.conf is made: ClusterFirst asks the cluster DNS and searches the Pod's Namespace first,"
            " Default leaves the Pod without a resolver, because a Node of a lab has none; None takes `dnsConfig` alone, and"
            " ClusterFirstWithHostNet is the same as ClusterFirst."
        ),
        "dns_config": "What is added to the /etc/resolv.conf that follows from dnsPolicy.",
        "host_aliases": "Further lines for the /etc/hosts of the Pod's containers.",
        "active_deadline_seconds": (
            "How many seconds after its start the Pod is stopped and fails with the reason DeadlineExceeded; without it, the"
            " Pod may run for ever."
        ),
    },
    HostAlias: {
        "ip": "The address that the names stand for.",
        "hostnames": "The names.",
    },
    PodDNSConfig: {
        "nameservers": "Addresses of name servers, behind that of the cluster DNS; the resolver asks three at most.",
        "searches": "Domains with which names are completed, behind those of the cluster.",
        "options": "Words of the line `options`, which replace those of the same name.",
    },
    PodDNSConfigOption: {
        "name": "The option: ndots, timeout, attempts, edns0 and others of resolv.conf(5).",
        "value": "Its value, for those that have one.",
    },
}
