"""A command's way into a container: which Pod or machine a word means, which container, and the command run there.

Mostly a word is the name of a Pod, and then nothing is read of the lab but this one, in outline.
Source: kubectl's `exec` and `cp` (podcmd.FindOrDefaultContainerByName, ExecOptions.Run), as of v1.32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from netlab.engine.containers import directories
from netlab.errors import NetlabError, NotFound
from netlab.kernel.commands import run_command
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.outline import PodOutline
from netlab.netstate.names import FABRIC, OUTSIDE
from netlab.store.outlines import pod_outline
from netlab.store.paths import LabPaths

if TYPE_CHECKING:
    from netlab.kernel.crun import Stdio
    from netlab.model.lab import Cluster
    from netlab.netstate.names import NetnsName

Say = Callable[[str], object]
"""Tells the user something that is no error."""


def silent(_: str) -> None:
    """Tell nobody."""


def reached(paths: LabPaths, word: str, namespace: str) -> PodOutline | NetnsName:
    """Return the Pod that a word means, or the network namespace of the machine that it names.

    Raises:
        NotFound: there is no such lab, object or Node.
        NetlabError: the object has no Pods, or the machine is off, also that of the Pod's Node.
    """
    kind, _, name = word.rpartition("/")
    if kind in {"", "pod"} and word not in {FABRIC, OUTSIDE}:
        pod = pod_outline(paths.store, namespace, name, unless_node=not kind)
        if pod is not None:
            return pod
    from netlab.cli.find import find_machine, find_reachable  # noqa: PLC0415 - all kinds of objects are in their imports

    cluster = _cluster(paths, word, namespace)
    machine = find_machine(cluster, word)
    return find_reachable(cluster, word, namespace) if machine is None else machine


def _cluster(paths: LabPaths, word: str, namespace: str) -> Cluster:
    """The objects among which is what the word means."""
    from netlab.engine.view import read_lab, read_objects  # noqa: PLC0415 - as above
    from netlab.model.meta import Key  # noqa: PLC0415

    cluster = read_objects(paths, () if "/" in word else (Key("Pod", namespace, word), Key("Node", "", word)))
    # If machines are off it counts where the Pod is, which no wish says.
    return read_lab(paths) if cluster.lab.status.machines else cluster


def container_for_command(pod: PodOutline, name: str | None, note: Say = silent) -> str:
    """Return the name of the container that is meant, as `container_of`. Raises NetlabError if the Pod has ended."""
    if pod.phase in FINAL_PHASES:
        raise NetlabError(f"cannot exec into a container in a completed pod; current phase is {pod.phase}")
    return container_of(pod, name, note)


def container_of(pod: PodOutline, name: str | None, note: Say = silent) -> str:
    """Return the name of the container that is meant: `name`, the one the Pod's annotation names, or the first.

    `note` is told if one of several was taken because nothing names it. Raises NotFound.
    """
    if name is None:
        wanted = pod.default_container
        if wanted in pod.containers:
            return wanted
        if wanted:
            note(f'Default container name "{wanted}" not found in pod {pod.name}')
        every = [*pod.containers, *(f"{init} (init)" for init in pod.init_containers)]
        if len(every) > 1:
            note(f'Defaulted container "{pod.containers[0]}" out of: {", ".join(every)}')
        return pod.containers[0]
    names = (*pod.init_containers, *pod.containers)
    if name not in names:
        raise NotFound(f"container {name} is not valid for pod {pod.name}; it has {', '.join(names)}")
    return name


def run_in(
    paths: LabPaths,
    pod: PodOutline,
    container: str,
    args: Sequence[str],
    *,
    stdio: Stdio,
    tty: bool = False,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a command in a container and return its exit code. Raises NotFound with a cure, KernelError."""
    variables = (env or {}).items()
    try:
        return run_command(directories(paths), pod.uid, container, args, env=variables, tty=tty, stdio=stdio)
    except NotFound as error:
        raise NotFound(f"{error}; `netlab describe {pod} -n {pod.namespace}` says why") from None
