"""What a security context may not ask for: whatever would let a Pod reach the machine, which all Nodes share with its owner.

Source: capabilities(7); Kubernetes docs, Pod Security Standards; kubelet sysctl/allowlist.go (SysctlForbidden).
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.manifest.rules import repeated
from netlab.model.codec import FieldProblem
from netlab.model.pod import PodSpec
from netlab.model.security import ALL, SecurityContext
from netlab.model.sysctl import SAFE
from netlab.model.words import shown

# What these do is not confined to the Pod's namespaces.
REACHING_OUT = {
    "BPF": "programs in the machine's kernel",
    "DAC_READ_SEARCH": "all files of the machine's disk",
    "MAC_ADMIN": "the machine's security policy",
    "MAC_OVERRIDE": "the machine's security policy",
    "PERFMON": "what all programs of the machine do",
    "SYSLOG": "the machine's kernel log",
    "SYS_ADMIN": "mounts, and so the machine's kernel settings and disk",
    "SYS_BOOT": "another kernel for the machine",
    "SYS_MODULE": "modules of the machine's kernel",
    "SYS_RAWIO": "the machine's memory and ports",
    "SYS_TIME": "the machine's clock",
    ALL: "the whole machine",
}


def security_problems(context: SecurityContext | None, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of a container's security context found at `path`."""
    if context is None:
        return
    if context.privileged:
        message = "a privileged container could change the machine itself, which all Nodes share"
        yield f"{path}.privileged", message, "name what it needs in capabilities.add, for example NET_ADMIN"
    for n, name in enumerate(context.capabilities.add if context.capabilities else ()):
        if name in REACHING_OUT:
            message = f"{shown(name)} is not confined to the Pod: it gives {REACHING_OUT[name]}"
            yield f"{path}.capabilities.add[{n}]", message, "leave it out"


def sysctl_problems(spec: PodSpec, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of the kernel parameters found at `path`: those that are not the Pod's own, or named twice."""
    wished = spec.security_context.sysctls if spec.security_context else ()
    for n, one in enumerate(wished):
        if one.name not in SAFE:
            yield f"{path}[{n}].name", f"forbidden sysctl: {shown(one.name)} not allowlisted", f"safe ones: {', '.join(SAFE)}"
        if not one.value or not one.value.isprintable():
            yield f"{path}[{n}].value", f"must be the text to write, is {shown(one.value)}", ""
    yield from repeated((one.name for one in wished), path, "name")
