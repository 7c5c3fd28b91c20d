"""As whom a process runs, and what it may do: credentials(7), capabilities(7), seccomp(2), PR_SET_NO_NEW_PRIVS."""

from __future__ import annotations

from netlab.frozen import dataclass

# What a container's root may do, in all container engines alike.
USUAL_CAPABILITIES = frozenset(
    {
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Rights of a container. `groups` are further ones besides `gid`; `filters_calls`: with the engines' seccomp filter."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    capabilities: frozenset[str] = USUAL_CAPABILITIES
    no_new_privileges: bool = True
    read_only_root: bool = False
    filters_calls: bool = True
