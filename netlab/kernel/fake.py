"""Linux' network namespaces in memory: the strict Fake of kernel.port.Network. It passes the contract tests of the real one.

It refuses what Linux refuses (`step: namespace: reason`), sees only what carries the lab's mark, and forgets with a link
what hangs on it. Like the kernel, it frees the far ends of a deleted namespace's links late: not before the next `apply`.
It can be told to fail before step n (`fail_at`), as if the process had been killed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from netlab.errors import KernelError
from netlab.kernel.fake_hands import Hands
from netlab.kernel.fake_iptables import FakeIptablesError
from netlab.kernel.fake_nft import FakeNftError
from netlab.kernel.fake_space import FakeSpace, noun
from netlab.kernel.port import Scope
from netlab.netstate.conntrack import ConntrackTable
from netlab.netstate.links import Sysctl
from netlab.netstate.names import NetnsName
from netlab.netstate.state import Namespace, NetState
from netlab.plan.steps import (
    Step,
)


class FakeNetwork:
    """Network namespaces by name. `fail_at` counts steps from now, over all calls; it fires once and is then None."""

    def __init__(self, fail_at: int | None = None, on_step: Callable[[], None] | None = None) -> None:
        self.spaces: dict[NetnsName, FakeSpace] = {}
        self.udp_flows: set[tuple[NetnsName, str, int, str]] = set()
        self.conntrack_tables: dict[NetnsName, ConntrackTable] = {}
        self.fail_at = fail_at
        self._on_step = on_step

    def prepare(self, *, ipv6: bool = False) -> None:
        """Memory is always ready."""

    def note(self) -> None:
        """Memory is written down already."""

    def close(self) -> None:
        """Nothing is open."""

    def forget(self, names: Iterable[NetnsName]) -> None:
        """In memory a name and its namespace are made at once."""

    def keep_udp_flows(self, name: NetnsName, serving: Mapping[tuple[str, int], frozenset[str]]) -> int:
        """Forget flows (`udp_flows`: namespace, address, port, endpoint) that no endpoint of their own answers."""
        stale = {
            flow
            for flow in self.udp_flows
            if flow[0] == name and (flow[1], flow[2]) in serving and flow[3] not in serving[flow[1], flow[2]]
        }
        self.udp_flows -= stale
        return len(stale)

    def conntrack_table(self, name: NetnsName) -> ConntrackTable | None:
        """Return what a test has put into `conntrack_tables`."""
        return self.conntrack_tables.get(name)

    def observe(self, scope: Scope) -> NetState:
        """Return what exists of `scope` and carries its mark."""
        names = self.marked(scope)
        return NetState(namespaces=frozenset(_describe(self.spaces[name], names, scope.mark) for name in names))

    def recognize(self, wished: NetState) -> None:
        """Nothing is remembered here."""

    def marked(self, scope: Scope) -> frozenset[NetnsName]:
        """Return the names in `scope` that carry its mark."""
        return frozenset(name for name in scope.names & self.spaces.keys() if self.spaces[name].alias == scope.mark)

    def apply(self, scope: Scope, steps: Sequence[Step]) -> None:
        """Do the steps in order. Raises KernelError for the first one that is refused; those before it are done."""
        self._free_widows()
        for step in steps:
            self._count(step)
            try:
                Hands(self.spaces, scope).do(step)
            except (KernelError, OSError, FakeNftError, FakeIptablesError) as error:
                reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
                raise _refused(step, reason) from error
            if self._on_step is not None:
                self._on_step()

    def _count(self, step: Step) -> None:
        if self.fail_at is not None:
            self.fail_at -= 1
            if self.fail_at < 0:
                self.fail_at = None
                raise _refused(step, "the Fake was told to fail here")

    def _free_widows(self) -> None:
        """Free the ends whose other end went with its namespace: the kernel does that some time later."""
        for space in self.spaces.values():
            for link in [link for link in space.links.values() if link.kind == "veth" and link.peer is None]:
                space.drop_link(link.name)


def _refused(step: Step, reason: str) -> KernelError:
    return KernelError(f"{step.command.splitlines()[0]}: {step.netns}: {reason}")


def _describe(space: FakeSpace, names: frozenset[NetnsName], mark: str) -> Namespace:
    """Return the namespace in nouns: marked links and what is on them; a peer only if it is seen as well."""
    marked = {name for name, link in space.links.items() if link.alias == mark}
    listed = [found.listed(*program) for program, found in space.iptables.items()]
    return Namespace(
        name=space.name,
        links=frozenset(noun(space.links[name], names, mark) for name in marked),
        addresses=frozenset(address for address in space.addresses if address.dev in marked or address.dev == "lo"),
        entries=frozenset(
            entry for entry in space.entries.values() if entry.dev in marked and space.links[entry.dev].kind == "vxlan"
        ),
        routes=frozenset(space.routes.values()),
        sysctls=frozenset(Sysctl(key=key, value=value) for key, value in space.sysctls.items()),
        table=space.table,
        noted=space.noted if space.noted != space.table else None,
        iptables=frozenset(found.ours for found in listed if found.ours),
        strangers=frozenset(found.strangers for found in listed if found.strangers),
    )
