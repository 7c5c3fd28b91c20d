"""Sandboxes and containers: the processes of a Pod in Linux words, desired (`Sandbox`) and observed (`SandboxStatus`).

A sandbox is a pause process that holds the IPC, UTS and PID namespaces; containers join it and have a mount namespace
and a cgroup each. Times are seconds since the epoch (float, UTC).
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netlab.frozen import dataclass
from netlab.netstate.cgroup import CgroupLimits
from netlab.netstate.health import UNPROBED, Health
from netlab.netstate.hooks import HookState
from netlab.netstate.names import NetnsName
from netlab.netstate.rights import Rights
from netlab.netstate.volume import HostPath, Scratch, VolumeFiles


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BindMount:
    """A directory or file of the machine, seen at `destination` in the container. `source` is absolute, or a volume of the Pod.

    With `sub_path` only that part of the source is seen, which is made as a directory if it is missing and never leads out of
    the source. A source that does not exist makes starting the container fail. `is_recursive`: what is
    mounted below it is read-only too. `propagation` is a word of mount(8). `volume` is the name that messages say.
    """

    source: str
    destination: str
    read_only: bool = False
    is_recursive: bool = False
    propagation: Literal["rprivate", "rslave"] = "rprivate"
    sub_path: str = ""
    volume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerProcess:
    """What runs in one container: a vector of arguments, an environment in order, a directory, mounts.

    `revision` stands for the wish it was made from: a container that runs with another one is replaced (N15). It is not made
    from the fields here, because a Service that appears later changes the environment and must not replace anything (N8).
    What the program writes to `last_words` is the message of its end; if it failed without one and `log_speaks`, the end of its
    log is. `image` is the id of the image that its root directory is made of, empty for the machine's own programs;
    `image_user` is who it runs as (names are the image's), `image_volumes` are directories it is to have, `stop_signal` is
    sent to end it instead of TERM.
    """

    name: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    mounts: tuple[BindMount, ...] = ()
    revision: str = ""
    last_words: str = "/dev/termination-log"
    log_speaks: bool = False
    rights: Rights = field(default_factory=Rights)
    limits: CgroupLimits = field(default_factory=CgroupLimits)
    image: str = ""
    image_user: str = ""
    image_volumes: tuple[str, ...] = ()
    stop_signal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A Pod's processes. `uid` is the Pod's uid and names its directory; the three texts become files under /etc.

    `scratch` are directories to make below the Pod's own `volumes/`, or below `memory/`, which only its pause process sees; a
    BindMount whose source starts with one of these (relative) refers to one of them. `files` are volumes with files, below
    `secrets/` those that are only in memory; `host_paths` are looked at before the sandbox is made. `limits` are those of the
    cgroup around the containers'. `fs_group` owns the scratch directories, and `sysctls` (names and values) are set in its
    namespaces.
    """

    uid: str
    netns: NetnsName
    hostname: str
    hosts: str
    resolv_conf: str
    containers: tuple[ContainerProcess, ...]
    scratch: tuple[Scratch, ...] = ()
    files: tuple[VolumeFiles, ...] = ()
    fs_group: int | None = None
    host_paths: tuple[HostPath, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    share_process_namespace: bool = True
    limits: CgroupLimits = field(default_factory=CgroupLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRun:
    """One run of one container, which the runtime calls `id`. `attempt` counts from 0.

    `exit_code` is set once it has ended, `message` if it left one.
    `error` is the runtime's reason why it could not be started (state `failed`): no process ever ran. With state `created` it
    is why it could not even be made, at `finished_at`; it is to be tried again. `revision` is that of its
    ContainerProcess, `image` the reference of its image with a digest; `stopping_at` is when its end began, 0 if it runs or
    ended by itself. `health` is what probes found of it. Its end begins with its preStop hook, if it has one: then `term_at`
    is when TERM followed.
    """

    name: str
    attempt: int
    state: Literal["created", "running", "exited", "failed"]
    exit_code: int | None = None
    oom_killed: bool = False
    started_at: float = 0.0
    finished_at: float = 0.0
    error: str = ""
    message: str = ""
    id: str = ""
    revision: str = ""
    stopping_at: float = 0.0
    health: Health = UNPROBED
    image: str = ""
    term_at: float = 0.0
    post_start: HookState = ""
    pre_stop: HookState = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """What exists of a sandbox: does its pause process live, was TERM sent to it, the newest run of each container.

    `started_at` is when the pause process was started. `previous` has the run before the newest, of each container of which
    something of it is left.

    `files` says which files of volumes were last written (netstate.volume.digest_of). `evicted` is why its Pod is to be
    evicted, empty if it is not.

    `detached`: the pause process lives, but not in the network namespace that has the Pod's name now (somebody deleted that,
    and it was made anew). Such a sandbox is not `alive`: its containers have no network.
    """

    uid: str
    alive: bool
    started_at: float = 0.0
    detached: bool = False
    terminating: bool = False
    files: str = ""
    evicted: str = ""
    runs: tuple[ContainerRun, ...] = ()
    previous: tuple[ContainerRun, ...] = ()
