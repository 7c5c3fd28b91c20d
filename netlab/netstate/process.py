"""Sandboxes and containers: the processes of a Pod in Linux words, desired (`Sandbox`) and observed (`SandboxStatus`).

A sandbox is a pause process that holds the IPC, UTS and PID namespaces; containers join it and have a mount namespace
and a cgroup each. Times are seconds since the epoch (float, UTC).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netlab.netstate.names import NetnsName


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BindMount:
    """A directory or file of the machine, seen at `destination` in the container. `source` is absolute.

    A source that does not exist is made as a directory if `create` is set; otherwise starting the container fails.
    """

    source: str
    destination: str
    read_only: bool = False
    create: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerProcess:
    """What runs in one container: a vector of arguments, an environment in order, a directory, mounts.

    `revision` stands for the wish it was made from: a container that runs with another one is replaced (N15). It is not made
    from the fields here, because a Service that appears later changes the environment and must not replace anything (N8).
    What the program writes to `last_words` is the message of its end; if it failed without one and `log_speaks`, the end of its
    log is.
    """

    name: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    mounts: tuple[BindMount, ...] = ()
    revision: str = ""
    last_words: str = "/dev/termination-log"
    log_speaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A Pod's processes. `uid` is the Pod's uid and names its directory; the three texts become files under /etc.

    `scratch` lists names of directories to make below the Pod's own `volumes/` (emptyDir); a BindMount whose source starts
    with `volumes/` (relative) refers to one of them.
    """

    uid: str
    netns: NetnsName
    hostname: str
    hosts: str
    resolv_conf: str
    containers: tuple[ContainerProcess, ...]
    scratch: tuple[str, ...] = ()
    share_process_namespace: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRun:
    """One run of one container. `attempt` counts from 0. `exit_code` is set once it has ended, `message` if it left one.

    `error` is the runtime's reason why it could not be started (state `failed`): no process ever ran. `revision` is that of its
    ContainerProcess; `stopping_at` is when it was sent TERM to be replaced, 0 if it was not.
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
    revision: str = ""
    stopping_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """What exists of a sandbox: does its pause process live, was TERM sent to it, the newest run of each container.

    `started_at` is when the pause process was started. `previous` has the run before the newest, of each container of which
    something of it is left.

    `detached`: the pause process lives, but not in the network namespace that has the Pod's name now (somebody deleted that,
    and it was made anew). Such a sandbox is not `alive`: its containers have no network.
    """

    uid: str
    alive: bool
    started_at: float = 0.0
    detached: bool = False
    terminating: bool = False
    runs: tuple[ContainerRun, ...] = ()
    previous: tuple[ContainerRun, ...] = ()
