"""Which taints a Pod tolerates: those it says, and for five minutes a Node that is not ready or cannot be reached.

Kubernetes adds the two when the Pod is made; here they follow from the Pod whenever they are needed, so a manifest that is
applied again finds the Pod as it was written.
Source: Kubernetes docs, Taints and Tolerations (taint based evictions); admission plugin DefaultTolerationSeconds.
"""

from __future__ import annotations

from netlab.model.pod import Pod
from netlab.model.taint import NOT_READY, UNREACHABLE, Toleration

DEFAULT_SECONDS = 300
DEFAULTS = tuple(
    Toleration(key=key, operator="Exists", effect="NoExecute", toleration_seconds=DEFAULT_SECONDS)
    for key in (NOT_READY, UNREACHABLE)
)


def tolerations_of(pod: Pod) -> tuple[Toleration, ...]:
    """Return the Pod's own tolerations and the default ones it does not speak about itself."""
    own = pod.spec.tolerations
    return (*own, *(one for one in DEFAULTS if not any(_speaks_of(item, one) for item in own)))


def _speaks_of(own: Toleration, default: Toleration) -> bool:
    return own.key in {"", default.key} and own.effect in {"", default.effect}
