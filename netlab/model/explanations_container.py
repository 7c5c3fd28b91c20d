"""What each field of a container means, a sentence each: the program, its variables and ports.

Keys are as in `explanations_pod`.
"""

from __future__ import annotations

from netlab.model.container import (
    ConfigMapKeySelector,
    ConfigMapRef,
    Container,
    ContainerPort,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretKeySelector,
    SecretRef,
)
from netlab.model.explanations_status import Sentences
from netlab.model.resources import ResourceRequirements

CONTAINER_SENTENCES: Sentences = {
    Container: {
        "name": "The container's name, unique in its Pod; `exec -c` and `logs -c` take it.",
        "image": (
            "`host` is the machine's own /usr and /etc below a writable layer that is the container's own, with nothing of"
            " /home, /root or /var; any other name is that of an image, pulled from its registry or loaded by `netlab image"
            " load`."
        ),
        "command": (
            "The program and its first arguments, started without a shell in place of the image's entrypoint and arguments;"
            " required with `image: host`, which has no program of its own; $(NAME) is replaced by the value of a variable, and"
            " $$ means $."
        ),
        "args": (
            "Further arguments, put behind those of `command` or, without one, behind the image's entrypoint, with $(NAME) and"
            " $$ replaced in the same way."
        ),
        "working_dir": (
            "The directory, an absolute path, in which the program starts; if empty, that of the image, and / for `host`."
        ),
        "env": (
            "Environment variables in order, which win over those of `envFrom` and of Services; a later entry of the same name"
            " wins."
        ),
        "env_from": "ConfigMaps and Secrets whose keys all become environment variables; of equal names the later source wins.",
        "ports": (
            "Ports the program listens on, for information, except that a Service may refer to one by its name, and a hostPort"
            " leads to it; a port that is not listed is reachable all the same."
        ),
        "resources": "How much of its Node the container is given room for, and how much it may use.",
        "security_context": "As whom the container runs and what it may do; its word counts more than the Pod's.",
        "volume_mounts": "Where the Pod's volumes appear in this container.",
        "image_pull_policy": (
            "Whether the image is pulled whenever the container starts (Always), if it is not there (IfNotPresent) or Never; if"
            " empty, Always for the tag `latest`, else IfNotPresent; `host` is never pulled."
        ),
        "liveness_probe": "Asked as long as the container runs; one that fails it is ended, and restartPolicy says what then.",
        "readiness_probe": (
            "Asked as long as the container runs; while it fails the Pod is not ready, and Services send it nothing."
        ),
        "startup_probe": (
            "Asked first, alone, until it succeeds; a container that fails it is ended, and restartPolicy says what then."
        ),
        "lifecycle": "What is done at the beginning and before the end of each run of the container.",
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
        "secret_key_ref": "One key of a Secret of the Pod's Namespace, read whenever the container starts.",
        "field_ref": "A field of the Pod itself, such as its name or its address.",
        "resource_field_ref": "What a container of the Pod asks for or may use at most.",
    },
    ConfigMapKeySelector: {
        "name": "Name of the ConfigMap, in the Pod's Namespace.",
        "key": "The key whose text becomes the value.",
        "optional": (
            "Whether the variable is just left out if ConfigMap or key do not exist; otherwise the container waits with the"
            " reason CreateContainerConfigError until they do."
        ),
    },
    SecretKeySelector: {
        "name": "Name of the Secret, in the Pod's Namespace.",
        "key": "The key whose value, which must be text, becomes that of the variable.",
        "optional": (
            "Whether the variable is just left out if Secret or key do not exist; otherwise the container waits with the reason"
            " CreateContainerConfigError until they do."
        ),
    },
    ResourceFieldSelector: {
        "resource": (
            "Which amount: limits.cpu, limits.memory, limits.ephemeral-storage, or the same of requests; a limit that is not"
            " set is all that the Node has, a request that is not made is 0."
        ),
        "container_name": "Of which container; of the variable's own if nothing is said, and to be said in a volume.",
        "divisor": (
            "What the amount is counted in, rounded up: 1m or 1 for processors, 1, 1k, 1M to 1E or 1Ki to 1Ei for bytes; 0"
            " stands for 1."
        ),
    },
    ObjectFieldSelector: {
        "field_path": (
            "Which field: metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'],"
            " metadata.annotations['KEY']; in a volume also metadata.labels and metadata.annotations, in a variable also"
            " spec.nodeName, status.podIP, status.podIPs, status.hostIP or status.hostIPs."
        ),
        "api_version": "The version in which `fieldPath` is written; accepted, and without effect.",
    },
    EnvFromSource: {
        "config_map_ref": "The ConfigMap whose keys become variables.",
        "secret_ref": "The Secret whose keys become variables, in place of a ConfigMap.",
        "prefix": "Text put before every key to make the variable's name.",
    },
    ConfigMapRef: {
        "name": "Name of the ConfigMap, in the Pod's Namespace.",
        "optional": (
            "Whether nothing is set if the ConfigMap does not exist; otherwise the container waits with the reason"
            " CreateContainerConfigError until it does."
        ),
    },
    SecretRef: {
        "name": "Name of the Secret, in the Pod's Namespace.",
        "optional": (
            "Whether nothing is set if the Secret does not exist; otherwise the container waits with the reason"
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
        "host_port": (
            "A port of the Pod's Node that leads here, from everywhere and with the client's own address; a Pod that wants a"
            " port which another one has waits for a Node where it is free."
        ),
        "host_ip": "The address of the Node at which `hostPort` is open: its own, or all if empty; at any other it is not.",
    },
    ResourceRequirements: {
        "limits": (
            "The most that the container may use: it gets no more time of `cpu`, is killed (OOMKilled) if it needs more"
            " `memory`, and its Pod is evicted if it has written more than its `ephemeral-storage` to the disk."
        ),
        "requests": (
            "What the scheduler finds a Node with room for, `cpu` (`500m` is half a processor), `memory` and"
            " `ephemeral-storage`, in bytes (`128Mi`), as much as the limit by default; processor time that is fought for"
            " is shared out by it."
        ),
    },
}
