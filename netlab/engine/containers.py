"""The containers of a lab, for those who ask or use them without changing the lab: exec, logs, status, port-forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlab.kernel.poddir import LabDirectories
from netlab.store.paths import LabPaths

if TYPE_CHECKING:
    from netlab.kernel.runtime import ContainerRuntime


def directories(paths: LabPaths) -> LabDirectories:
    """Return the directories of the lab's processes."""
    return LabDirectories(state=paths.state, data=paths.data, lab=paths.lab)


def new_runtime(paths: LabPaths) -> ContainerRuntime:
    """Return the container runtime with the lab's directories."""
    from netlab.kernel.runtime import ContainerRuntime  # noqa: PLC0415 - who runs a command in a container has no use for it

    return ContainerRuntime(state=paths.state, data=paths.data, lab=paths.lab)
