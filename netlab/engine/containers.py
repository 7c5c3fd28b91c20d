"""The container runtime of a lab, for those who ask or use it without changing the lab: exec, logs, status, port-forward."""

from __future__ import annotations

from netlab.kernel.runtime import ContainerRuntime
from netlab.store.paths import LabPaths


def new_runtime(paths: LabPaths) -> ContainerRuntime:
    """Return the container runtime with the lab's directories."""
    return ContainerRuntime(state=paths.state, data=paths.data, lab=paths.lab)
