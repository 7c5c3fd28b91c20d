"""The ports between decisions and Linux: what a network must do, and what a container runtime must do.

    Network ... linux.py is the real one, fake.py the strict Fake; both pass the same contract tests (tests/contract)
    Images .... engine/images.py is the real one, fake_images.py its Fake
    Runtime ... runtime.py is the real one, fake_runtime.py its Fake

So the engine can be tested without root, on a clock of the test's own, and what holds on the Fakes holds on Linux.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from netlab.desired.image_names import ImageName
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.netstate.conntrack import ConntrackTable
from netlab.netstate.health import Health
from netlab.netstate.hooks import Hook, HookKind
from netlab.netstate.names import NetnsName
from netlab.netstate.process import Sandbox, SandboxStatus
from netlab.netstate.pull import ImageLook
from netlab.netstate.state import NetState
from netlab.plan.steps import Step

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What may be seen and changed: the namespaces whose `names` are recorded and whose loopback carries `mark` (law 4).

    A recorded name without the mark belongs to somebody else: it is not observed, and a step that would use it fails.
    """

    mark: str
    names: frozenset[NetnsName]


class Network(Protocol):
    """Linux' network namespaces, as netlab uses them."""

    def prepare(self, *, ipv6: bool = False) -> None:
        """Raise HostUnready with the cure if this machine cannot do it; with `ipv6`, addresses of IPv6 too."""
        ...

    def observe(self, scope: Scope) -> NetState:
        """Return what exists of `scope` in Linux' words. Raises KernelError if the kernel refuses to tell."""
        ...

    def recognize(self, wished: NetState) -> None:
        """Take note that what was observed last is equal to `wished`: as the same objects it is compared in no time."""
        ...

    def marked(self, scope: Scope) -> frozenset[NetnsName]:
        """Return the namespaces of `scope` that exist, whatever is in them. Raises KernelError if that cannot be told."""
        ...

    def apply(self, scope: Scope, steps: Sequence[Step]) -> None:
        """Do the steps in order; done ones change nothing. Raises KernelError naming the step, the namespace and the reason."""
        ...

    def forget(self, names: Iterable[NetnsName]) -> None:
        """Clear away what a process that was killed left of names of which nothing is observed, before they are forgotten."""
        ...

    def keep_udp_flows(self, name: NetnsName, serving: Mapping[tuple[str, int], frozenset[str]]) -> int:
        """Forget UDP flows to an (address, port) that none of its endpoints answers; return how many. Raises KernelError."""
        ...

    def conntrack_table(self, name: NetnsName) -> ConntrackTable | None:
        """Return how full a namespace's table of connections is, None if there is none. Raises KernelError."""
        ...

    def note(self) -> None:
        """Write down what the rules are: from now on they are known not to be so any more, if somebody else changes them."""
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...


class Images(Protocol):
    """The images of this machine, as the engine asks for them."""

    def look(self, name: ImageName) -> ImageLook:
        """Return what there is of an image. Raises KernelError."""
        ...

    def pull(self, name: ImageName, failures: int, now: float) -> None:
        """Begin to pull an image unless somebody does, and return at once; `failures` went wrong before. Raises KernelError."""
        ...


class Runtime(Protocol):
    """The sandboxes of one lab and the containers in them. Methods for different Pods may run at the same time (`each`)."""

    def prepare(self) -> None:
        """Raise HostUnready with the cure if containers cannot be run; make the lab's directories."""
        ...

    def version(self) -> str:
        """Return what runs the containers and its version, as Kubernetes writes it: `crun://1.8.1`."""
        ...

    def each(
        self, work: Mapping[str, Sequence[Item]], do: Callable[[Item], object], beside: Callable[[], None] = ...
    ) -> dict[str, NetlabError | None]:
        """Call `do` for every item, those under one key in order, and `beside` meanwhile, if there is any.

        Returns for each key the error that ended its row, or None.
        """
        ...

    def observe(self) -> dict[str, SandboxStatus]:
        """Return all sandboxes there are, by Pod uid."""
        ...

    def start_sandbox(self, sandbox: Sandbox, first: str | None = ...) -> None:
        """Make the Pod's files and its pause process; alive already, only changed files are rewritten.

        The container named `first` is started with it, as attempt 0. Raises KernelError.
        """
        ...

    def start_container(self, sandbox: Sandbox, name: str, attempt: int) -> None:
        """Start a container as this attempt; a program that cannot be run is seen as `failed` then. Raises KernelError."""
        ...

    def remove_container(self, uid: str, name: str, attempt: int) -> None:
        """Clear an attempt that has ended, before the next one."""
        ...

    def terminate(self, uid: str, names: Sequence[str]) -> None:
        """Send TERM to these containers, once."""
        ...

    def stop_container(self, uid: str, name: str, attempt: int, *, force: bool) -> None:
        """Send TERM, or with `force` KILL, to the main process of one container that another one is to replace."""
        ...

    def run_hook(self, uid: str, name: str, attempt: int, kind: HookKind, hook: Hook | None) -> None:
        """Begin a hook, once, and do not wait for it; a preStop marks the attempt as stopping. Raises KernelError."""
        ...

    def note_health(self, uid: str, name: str, attempt: int, health: Health) -> None:
        """Write down what probes found of an attempt; it belongs to that attempt. One that is gone is no error."""
        ...

    def kill(self, uid: str) -> None:
        """End every process of the sandbox; logs and exit codes stay."""
        ...

    def remove(self, uid: str) -> None:
        """End every process of the sandbox and clear away all of it."""
        ...
