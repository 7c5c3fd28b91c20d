"""Security contexts: as whom a container runs and what it may do, said of the Pod or of one container, whose word counts more.

Source: Kubernetes API reference, core/v1 PodSecurityContext and SecurityContext; capabilities(7).
"""

from __future__ import annotations

from typing import Annotated, Literal

from netlab.frozen import dataclass
from netlab.model.sysctl import Sysctl

UserId = Annotated[int, "non-negative"]

_NAMES = (
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER"
    " FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE"
    " NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE"
    " SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
CAPABILITIES = frozenset(_NAMES.split())
ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is added to the capabilities that every container has, and taken from them; ALL is all of them."""

    add: tuple[Annotated[str, "capability"], ...] = ()
    drop: tuple[Annotated[str, "capability"], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeccompProfile:
    """Which system calls are refused: those that container engines refuse, or none."""

    type: Literal["RuntimeDefault", "Unconfined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSecurityContext:
    """`securityContext` of a Pod: what holds for all its containers that do not say otherwise, and for its volumes."""

    run_as_user: UserId | None = None
    run_as_group: UserId | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[UserId, ...] = ()
    fs_group: UserId | None = None
    fs_group_change_policy: Literal["", "Always", "OnRootMismatch"] = ""
    seccomp_profile: SeccompProfile | None = None
    sysctls: tuple[Sysctl, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityContext:
    """`securityContext` of a container. None: as the Pod says."""

    run_as_user: UserId | None = None
    run_as_group: UserId | None = None
    run_as_non_root: bool | None = None
    capabilities: Capabilities | None = None
    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    seccomp_profile: SeccompProfile | None = None
    proc_mount: Literal["", "Default"] = ""


def capability(value: str) -> str:
    """A check of a format: a capability without the CAP_ in front, or ALL."""
    if value == ALL or value in CAPABILITIES:
        return ""
    return "must be written without CAP_" if value.startswith("CAP_") else "must be a capability, as NET_ADMIN, or ALL"
