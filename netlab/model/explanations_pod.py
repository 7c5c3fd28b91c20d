"""What each field of a Pod's wish means, a sentence each: `spec`, its containers, their variables, ports and volumes.

Keys are the nouns' own field names; `fields` turns them into the names of the manifest. Defaults and allowed values are left
to the type hints, unless a default says little by itself.
"""

from __future__ import annotations

from netlab.model.explanations_status import Sentences
from netlab.model.pod import (
    ConfigMapKeySelector,
    ConfigMapRef,
    Container,
    ContainerPort,
    EmptyDirVolume,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    HostAlias,
    HostPathVolume,
    ObjectFieldSelector,
    Pod,
    PodDNSConfig,
    PodDNSConfigOption,
    PodSpec,
    Volume,
    VolumeMount,
)

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
        "node_selector": (
            "Labels a Node must have, all of them, to be chosen; of those that fit, the Node with the fewest Pods is taken."
        ),
        "hostname": "The host name inside the Pod; if empty, the Pod's name, cut to 63 characters.",
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
    Container: {
        "name": "The container's name, unique in its Pod; `exec -c` and `logs -c` take it.",
        "image": (
            "Only `host` can be run: the machine's own /usr and /etc below a writable layer that is the container's own, with"
            " nothing of /home, /root or /var; Kubernetes would pull an image."
        ),
        "command": (
            "The program and its first arguments, started without a shell and required because `image: host` has no program of"
            " its own; $(NAME) is replaced by the value of a variable, and $$ means $."
        ),
        "args": "Further arguments, put behind those of `command`, with $(NAME) and $$ replaced in the same way.",
        "working_dir": "The directory, an absolute path, in which the program starts; / if empty.",
        "env": (
            "Environment variables in order, which win over those of `envFrom` and of Services; a later entry of the same name"
            " wins."
        ),
        "env_from": "ConfigMaps whose keys all become environment variables; of equal names the later source wins.",
        "ports": (
            "Ports the program listens on, for information, except that a Service may refer to one by its name; a port that is"
            " not listed is reachable all the same."
        ),
        "volume_mounts": "Where the Pod's volumes appear in this container.",
        "image_pull_policy": "Accepted, and without effect: `image: host` is never pulled.",
        "termination_message_path": "The file in the container whose text is the message of its end, at most 4096 bytes of it.",
        "termination_message_policy": (
            "With FallbackToLogsOnError the end of the log is the message of a container that failed and wrote none."
        ),
        "restart_policy": (
            "Only for an init container: with Always it is a sidecar, which starts in its turn, goes on beside all that come"
            " after it, and is stopped after them."
        ),
    },
    EnvVar: {
        "name": "The variable's name.",
        "value": (
            "Its value, in which $(NAME) is replaced by a variable defined before it, an unknown name stays as it is, and $$"
            " means $."
        ),
        "value_from": "Where the value comes from instead; not together with `value`.",
    },
    EnvVarSource: {
        "config_map_key_ref": "One key of a ConfigMap of the Pod's Namespace, read whenever the container starts.",
        "field_ref": "A field of the Pod itself, such as its name or its address.",
    },
    ConfigMapKeySelector: {
        "name": "Name of the ConfigMap, in the Pod's Namespace.",
        "key": "The key whose text becomes the value.",
        "optional": (
            "Whether the variable is just left out if ConfigMap or key do not exist; otherwise the container waits with the"
            " reason CreateContainerConfigError until they do."
        ),
    },
    ObjectFieldSelector: {
        "field_path": (
            "Which field: metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'],"
            " metadata.annotations['KEY'], spec.nodeName, status.podIP, status.podIPs, status.hostIP or status.hostIPs."
        ),
        "api_version": "The version in which `fieldPath` is written; accepted, and without effect.",
    },
    EnvFromSource: {
        "config_map_ref": "The ConfigMap whose keys become variables.",
        "prefix": "Text put before every key to make the variable's name.",
    },
    ConfigMapRef: {
        "name": "Name of the ConfigMap, in the Pod's Namespace.",
        "optional": (
            "Whether nothing is set if the ConfigMap does not exist; otherwise the container waits with the reason"
            " CreateContainerConfigError until it does."
        ),
    },
    ContainerPort: {
        "container_port": "The number, from 1 to 65535, on the Pod's own address.",
        "name": (
            "A name of at most 15 characters, unique in its container, that `targetPort` of a Service may use instead of the"
            " number."
        ),
        "protocol": "TCP or UDP; a Service's named `targetPort` finds the port only if its protocol is the same.",
    },
    VolumeMount: {
        "name": "Which volume: the name of an entry of `spec.volumes`.",
        "mount_path": "Where it appears in the container: an absolute path other than /, without a colon, made if missing.",
        "read_only": "Whether this container may only read it.",
    },
    Volume: {
        "name": "The volume's name, unique in its Pod, to which `volumeMounts` refer.",
        "empty_dir": "A directory, empty at first, that all containers of the Pod share and that goes with the Pod.",
        "host_path": "A directory or file of the machine netlab runs on; all Nodes of a lab see the same one.",
    },
    EmptyDirVolume: {},
    HostPathVolume: {
        "path": "The absolute path on the machine.",
        "type": (
            "DirectoryOrCreate makes a missing directory; with any other type, or none, a container that mounts a missing path"
            " is not started, and whether it is a directory or a file is not checked."
        ),
    },
}
