"""What each field of a security context means, a sentence each. Keys are as in `explanations_pod`."""

from __future__ import annotations

from netlab.model.explanations_status import Sentences
from netlab.model.security import Capabilities, PodSecurityContext, SeccompProfile, SecurityContext
from netlab.model.sysctl import Sysctl

SECURITY_SENTENCES: Sentences = {
    PodSecurityContext: {
        "run_as_user": "The number of the user that the containers run as, unless they say otherwise; root if nobody does.",
        "run_as_group": "The number of the group that the containers run in; 0 if nobody says one.",
        "run_as_non_root": "With true, containers that would run as root are not started.",
        "supplemental_groups": "Numbers of further groups that every container is in.",
        "fs_group": (
            "Number of a group that every container is in besides, and that owns the Pod's emptyDir volumes and what is made in"
            " them; directories of the machine (hostPath) are left as they are."
        ),
        "fs_group_change_policy": "Accepted, and without effect: an emptyDir is new, so there is nothing in it to change.",
        "seccomp_profile": "Which system calls the kernel refuses the containers, unless they say otherwise.",
        "sysctls": "Kernel parameters of the Pod's own namespaces, of those that Kubernetes calls safe.",
    },
    Sysctl: {
        "name": "The parameter, with dots: `net.ipv4.tcp_keepalive_time`.",
        "value": "What is written to it; a value that the kernel refuses keeps the Pod from starting.",
    },
    SecurityContext: {
        "run_as_user": "The number of the user that the container runs as.",
        "run_as_group": "The number of the group that the container runs in.",
        "run_as_non_root": "With true, the container is not started if it would run as root.",
        "capabilities": "What a container's root may do beyond its files and processes.",
        "privileged": (
            "Only false: a privileged container could change the machine itself, which is that of all Nodes and of your own."
        ),
        "allow_privilege_escalation": (
            "With true, a program that belongs to another user (setuid) or has capabilities of its own gets them; here nobody"
            " does who does not ask for it, where Kubernetes lets everybody who does not refuse."
        ),
        "read_only_root_filesystem": (
            "With true, the container can write into its volumes, /dev and /dev/shm alone; its own /tmp, /run, /usr and /etc"
            " cannot be written to."
        ),
        "seccomp_profile": "Which system calls the kernel refuses the container.",
        "proc_mount": "Only Default: files of /proc that speak of the machine are hidden or cannot be written to.",
    },
    Capabilities: {
        "add": (
            "Capabilities on top of the fourteen that every container has, without CAP_ in front; those that reach the machine,"
            " as SYS_ADMIN does, are refused, and ALL with them."
        ),
        "drop": "Capabilities to take away, without CAP_ in front, or ALL; what `add` names stays.",
    },
    SeccompProfile: {
        "type": (
            "RuntimeDefault is the profile that container engines share, and the one of containers that say nothing; Unconfined"
            " is none."
        ),
    },
}
