"""As whom a container runs and what it may do: its own word, else the Pod's, else the usual. Pure.

The one place that decides the user. Root that was not wished is refused with the kubelet's words.
Source: Kubernetes docs, Configure a Security Context; kubelet security_context_others.go (verifyRunAsNonRoot); containerd,
WithCapabilities (ALL first, then one by one, what is added after what is dropped).
"""

from __future__ import annotations

from netlab.errors import NetlabError
from netlab.model.container import Container
from netlab.model.pod import Pod
from netlab.model.security import ALL, CAPABILITIES, PodSecurityContext, SecurityContext
from netlab.model.sysctl import Sysctl
from netlab.netstate.rights import USUAL_CAPABILITIES, Rights

ROOT = 0


def rights(pod: Pod, container: Container, of_image: str | None = "") -> Rights:
    """Return the rights of a container; `of_image` is the user of its image, None while nobody knows it.

    Raises:
        NetlabError: it would run as root, and must not.
    """
    own, common = container.security_context or SecurityContext(), pod.spec.security_context or PodSecurityContext()
    wished = common.run_as_user if own.run_as_user is None else own.run_as_user
    must_not = common.run_as_non_root if own.run_as_non_root is None else own.run_as_non_root
    if must_not and not wished and of_image is not None and (why := _refusal(wished, of_image)):
        meta = pod.metadata
        where = f'(pod: "{meta.name}_{meta.namespace}({meta.uid})", container: {container.name})'
        raise NetlabError(f"{why} {where}")
    group = common.run_as_group if own.run_as_group is None else own.run_as_group
    profile = own.seccomp_profile or common.seccomp_profile
    return Rights(
        uid=wished or ROOT,
        gid=group or ROOT,
        groups=_groups(common),
        capabilities=_capabilities(own),
        no_new_privileges=not own.allow_privilege_escalation,
        read_only_root=own.read_only_root_filesystem,
        filters_calls=profile is None or profile.type != "Unconfined",
    )


def user_in_image(pod: Pod, container: Container, of_image: str) -> str:
    """Return who a container runs as, in the words of an image's configuration: what the Pod wishes, else the image's user."""
    own, common = container.security_context or SecurityContext(), pod.spec.security_context or PodSecurityContext()
    wished = common.run_as_user if own.run_as_user is None else own.run_as_user
    group = common.run_as_group if own.run_as_group is None else own.run_as_group
    who = of_image if wished is None else str(wished)
    return who if group is None else f"{who.partition(':')[0] or ROOT}:{group}"


def fs_group(pod: Pod) -> int | None:
    """Return the group that owns the Pod's emptyDir volumes, None if none does."""
    return pod.spec.security_context.fs_group if pod.spec.security_context else None


def sysctls(pod: Pod) -> tuple[Sysctl, ...]:
    """Return the kernel parameters that the Pod sets for itself."""
    return pod.spec.security_context.sysctls if pod.spec.security_context else ()


def _refusal(wished: int | None, of_image: str) -> str:
    """Why a container that must not run as root is refused, empty if its image sees to that."""
    who = of_image.partition(":")[0]
    if wished is not None:
        return "container's runAsUser breaks non-root policy"
    if who and not who.isdecimal():
        return f"container has runAsNonRoot and image has non-numeric user ({who}), cannot verify user is non-root"
    return "" if who.strip("0") else "container has runAsNonRoot and image will run as root"


def _groups(common: PodSecurityContext) -> tuple[int, ...]:
    of_files = () if common.fs_group is None else (common.fs_group,)
    return tuple(dict.fromkeys((*common.supplemental_groups, *of_files)))


def _capabilities(own: SecurityContext) -> frozenset[str]:
    wish = own.capabilities
    if wish is None:
        return USUAL_CAPABILITIES
    every = frozenset(f"CAP_{name}" for name in CAPABILITIES)
    found = every if ALL in wish.add else USUAL_CAPABILITIES
    found = frozenset() if ALL in wish.drop else found - {f"CAP_{name}" for name in wish.drop}
    return found | {f"CAP_{name}" for name in wish.add if name != ALL}
