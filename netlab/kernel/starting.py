"""Starting sandboxes and containers. Each function can be repeated after a crash at any point: halves are cleared first."""

from __future__ import annotations

import os
import resource
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from netlab.errors import KernelError, NotFound
from netlab.kernel import cgroups, conmon, image_root, memory_volumes, netns, oci, processes, root, subpaths
from netlab.kernel.cgroup_limits import pod_files
from netlab.kernel.crun import Crun, Unprepared, Unstartable, text
from netlab.kernel.ending import clear_bundle, end_makers, kill_sandbox, pause_mark
from netlab.kernel.files import PRIVATE, make_directory, rewrite, translated
from netlab.kernel.host_paths import check_host_paths
from netlab.kernel.image_store import ImageStore
from netlab.kernel.image_user import User
from netlab.kernel.oci import Surroundings
from netlab.kernel.poddir import STICKY, WORLD_WRITABLE, Bundle, LabDirectories, PodDirectory, Run, component
from netlab.kernel.processes import Process
from netlab.kernel.runs import is_attached
from netlab.kernel.seccomp import Filter
from netlab.kernel.seccomp_programs import Filters
from netlab.kernel.volume_files import write_volumes
from netlab.netstate.process import BindMount, ContainerProcess, Sandbox

VOLUMES: Final = "volumes/"
SECRETS: Final = "secrets/"
MEMORY: Final = "memory/"
ANYBODYS: Final = 0o666


def start_sandbox(
    places: LabDirectories, crun: Crun, sandbox: Sandbox, beside: Callable[[Callable[[], None]], None] = lambda _: None
) -> None:
    """Make the Pod's files and its pause process; with one that lives in its network only the files are brought up to date.

    `beside` is called when the files are there and the pause process is being started, with a function that waits for that.
    """
    pod = places.pod(sandbox.uid)
    if not processes.is_alive(pod.pause_process()):
        check_host_paths(sandbox.host_paths)
    _make_files(pod, sandbox)
    write_volumes(places, sandbox.uid, sandbox.files)
    if processes.is_alive(pod.pause_process()) and is_attached(pod):
        beside(lambda: None)
        return
    _clear_pause(crun, pod)
    begun = [_begin_pause(places, crun, sandbox, pod)]

    def made() -> None:
        while begun:
            begun.pop()()

    try:
        beside(made)
    finally:
        made()


def _clear_pause(crun: Crun, pod: PodDirectory) -> None:
    """End what is left of an earlier sandbox."""
    kill_sandbox(pod)  # one that is detached, and containers of an earlier one that have namespaces of their own
    pause = pod.pause
    if pause.path.exists():
        end_makers([pause.path], lambda: crun.delete(pause.id))
    crun.delete(pause.id)
    for path in (pause.path / "process", pod.path / "terminating"):
        path.unlink(missing_ok=True)


def _begin_pause(places: LabDirectories, crun: Crun, sandbox: Sandbox, pod: PodDirectory) -> Callable[[], None]:
    """Return what waits for the pause process and notes it."""
    bundle = pod.pause
    make_directory(bundle.path, PRIVATE)
    config = oci.pause_config(
        root=str(places.pause_root),
        netns=str(netns.path(sandbox.netns)),
        hostname=sandbox.hostname,
        mark=pause_mark(pod.path),
        sysctls=sandbox.sysctls,
        volumes=memory_volumes.oci_mounts(sandbox.scratch, sandbox.fs_group),
    )
    bundle.write("config.json", text(config))
    bundle.write("netns", f"{sandbox.netns}\n")
    path = str(bundle.path)
    call = crun.begin("run", "-d", f"--pid-file={path}/pidfile", "-b", path, bundle.id, manager="disabled")

    def made() -> None:
        try:
            call()
        except Unstartable as error:  # of the container that waits for it nothing is wrong
            raise KernelError(f"the pause process of {sandbox.netns}: {error}") from error
        pause = processes.find(int(bundle.read("pidfile") or 0))
        if pause is None:
            raise KernelError(f"the pause process of {sandbox.netns} ended at once")
        bundle.write("process", f"{pause}\n")

    return made


def start_container(
    places: LabDirectories,
    crun: Crun,
    sandbox: Sandbox,
    name: str,
    attempt: int,
    *,
    filters: Filters,
    images: ImageStore,
    sandbox_made: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Create and start one attempt of a container, unless that was done before; what it mounts is for the container alone.

    What needs no sandbox is done before `sandbox_made`, which waits for it, is called.
    A program that cannot be run is recorded, and that is the end of the attempt; a container that cannot be made is recorded,
    too, and the next call tries the same attempt again.
    """
    process = next((process for process in sandbox.containers if process.name == name), None)
    if process is None:
        raise NotFound(f"container {name!r} is not one of the Pod's")
    pod = places.pod(sandbox.uid)
    bundle = pod.bundle(name, attempt)
    if bundle.read("run") is not None or bundle.read("failed") is not None:
        return
    if bundle.path.exists() or crun.knows(bundle.id):
        clear_bundle(places, crun, bundle)

    def start(user: User | None) -> None:
        if not process.args:
            raise Unstartable("no command specified", 126)
        with conmon.loaded(bundle, exits=places.exits, options=crun.options()) as create:
            seccomp = filters.find(process.rights.capabilities) if process.rights.filters_calls else None
            sandbox_made()
            pause = pod.pause_process()
            if pause is None or not processes.is_alive(pause):
                raise KernelError(f"start container {name}: the sandbox {sandbox.netns} is not alive")
            around = _surroundings(places, pod, sandbox, process, bundle=bundle, pause=pause, seccomp=seccomp)
            _write_bundle(bundle, process, replace(around, user=user))
            main, keeper = create(process.args[0])
        if seccomp:
            filters.keep(seccomp, crun.root / bundle.id / "seccomp.bpf")
        cgroups.write(pod_files(sandbox.limits), places.lab, sandbox.uid)
        started_at = clock()
        crun.start(bundle.id)
        bundle.write("run", str(Run(main, keeper, started_at)))

    try:
        for directory in (bundle.path.parent, bundle.path, bundle.disk):
            make_directory(directory)
        if process.image:
            image_root.inside(images, bundle, places.root, process, start)
        else:
            root.make_directories(bundle)
            root.mount(places.root, root.host_options(bundle, places.skeleton))
            start(None)
    except (Unprepared, Unstartable) as error:
        bundle.write("revision", process.revision)
        bundle.write("failed" if isinstance(error, Unstartable) else "unprepared", f"{error}\n")


def _write_bundle(bundle: Bundle, process: ContainerProcess, around: Surroundings) -> None:
    bundle.write("config.json", text(oci.container_config(process, around)))
    bundle.write("revision", process.revision)
    rewrite(f"{bundle.disk}/last-words", "", ANYBODYS)  # the program may run as anybody
    if process.log_speaks:
        bundle.write("log-speaks", "")
    if process.stop_signal:
        bundle.write("stop-signal", process.stop_signal)


def _make_files(pod: PodDirectory, sandbox: Sandbox) -> None:
    for directory in (pod.path, f"{pod.path}/etc", f"{pod.path}/containers", pod.disk):
        make_directory(directory)
    make_directory(f"{pod.disk}/shm", STICKY)
    if sandbox.scratch or sandbox.files:
        make_directory(pod.disk / "volumes")
    for volume in sandbox.scratch:
        directory = pod.disk / "volumes" / component(volume.name)
        if volume.in_memory:
            continue
        if not directory.is_dir():  # its mode is the containers' to change
            make_directory(directory, WORLD_WRITABLE)
            if sandbox.fs_group is not None:
                with translated("chown", directory):  # first, because the kernel takes S_ISGID away at a change of owners
                    os.chown(directory, -1, sandbox.fs_group)
                    directory.chmod(WORLD_WRITABLE | stat.S_ISGID)
    rewrite(f"{pod.disk}/hosts", sandbox.hosts)
    rewrite(f"{pod.path}/etc/resolv.conf", sandbox.resolv_conf)
    rewrite(f"{pod.path}/etc/hostname", f"{sandbox.hostname}\n")


def _surroundings(
    places: LabDirectories,
    pod: PodDirectory,
    sandbox: Sandbox,
    process: ContainerProcess,
    *,
    bundle: Bundle,
    pause: Process,
    seccomp: Filter | None,
) -> Surroundings:
    return Surroundings(
        root=str(places.root) if process.image else f"{places.root}/{root.HOST}",
        disk=str(bundle.disk),
        shm=f"{pod.disk}/shm",
        hosts=f"{pod.disk}/hosts",
        etc=f"{pod.path}/etc",
        pause_pid=pause.pid,
        cgroup=f"/netlab/{places.lab}/{sandbox.uid}/{process.name}",
        sources=tuple(_sources(places, pod, bundle, process, pause)),
        read_only=root.directories_of_host(),
        share_pid=sandbox.share_process_namespace,
        open_files=_hard_limit(),
        counts_swap=bool(process.limits.memory_bytes) and cgroups.counts_swap(),
        seccomp=seccomp,
    )


def _hard_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return oci.OPEN_FILES_HARD if hard == resource.RLIM_INFINITY else hard


def _sources(
    places: LabDirectories, pod: PodDirectory, bundle: Bundle, process: ContainerProcess, pause: Process
) -> Iterator[str]:
    """The sources of a container's mounts, in order; volumes in memory and parts of volumes are attached in its bundle."""
    for number, mount in enumerate(process.mounts):
        if mount.source.startswith(MEMORY):
            whole = bundle.path / "mounts" / f"{number}.memory"
            memory_volumes.attach(pause, mount.source.removeprefix(MEMORY), whole)
            source = str(whole)
        else:
            source = _source(places, pod, mount)
        if mount.sub_path:
            target = bundle.path / "mounts" / str(number)
            subpaths.attach(Path(source), mount, target, process.name)
            source = str(target)
        yield source


def _source(places: LabDirectories, pod: PodDirectory, mount: BindMount) -> str:
    """The absolute path to mount. Raises Unstartable if it is not there, KernelError if it leads out of the Pod's directory."""
    if mount.source.startswith(VOLUMES):
        path = pod.disk / "volumes" / component(mount.source.removeprefix(VOLUMES))
    elif mount.source.startswith(SECRETS):
        path = places.secrets(pod.uid) / component(mount.source.removeprefix(SECRETS))
    elif mount.source.startswith("/") and "\0" not in mount.source:
        path = Path(mount.source)
    else:
        raise KernelError(f"{mount.source!r} is not an absolute path")
    if not os.path.exists(path):  # noqa: PTH110 - unlike Path.exists it raises for nothing
        raise Unstartable(f'mount "{path}" to "{mount.destination}": no such file or directory', 126)
    return str(path)
