"""Linux' network namespaces in memory: the strict Fake of kernel.port.Network. It passes the contract tests of the real one.

It refuses what Linux refuses (`step: namespace: reason`), sees only what carries the lab's mark, and forgets with a link
what hangs on it. Like the kernel, it frees the far ends of a deleted namespace's links late: not before the next `apply`.
It can be told to fail before step n (`fail_at`), as if the process had been killed there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import assert_never

from netlab.errors import KernelError
from netlab.kernel.fake_iptables import FakeIptables, FakeIptablesError
from netlab.kernel.fake_nft import FakeNftError, run_script
from netlab.kernel.fake_space import FakeLink, FakeSpace, refuse
from netlab.kernel.port import Scope
from netlab.kernel.wiring import NOT_OURS
from netlab.netstate.conntrack import ConntrackTable
from netlab.netstate.links import Bridge, Link, Sysctl, Veth, Vxlan
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.state import Namespace, NetState
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddLink,
    AddRoute,
    ApplyIptables,
    ApplyNft,
    CreateNamespace,
    DeleteAddress,
    DeleteEntry,
    DeleteLink,
    DeleteNamespace,
    DeleteRoute,
    SetMtu,
    SetSysctl,
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
                _Hands(self.spaces, scope).do(step)
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
        links=frozenset(_noun(space.links[name], names, mark) for name in marked),
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


def _noun(link: FakeLink, names: frozenset[NetnsName], mark: str) -> Link:
    if link.kind == "bridge":
        return Bridge(name=link.name, mac=link.mac, mtu=link.mtu, alias=link.alias)
    if link.kind == "vxlan":
        vni, port, local = link.tunnel
        return Vxlan(name=link.name, mac=link.mac, mtu=link.mtu, vni=vni, port=port, local=local, alias=link.alias)
    peer = link.peer if link.peer and link.peer.netns in names and link.peer.alias == mark else None
    master = link.master if link.master and link.master.alias == mark else None
    return Veth(
        name=link.name,
        mac=link.mac,
        mtu=link.mtu,
        peer_netns=peer.netns if peer else NetnsName(""),
        peer_name=peer.name if peer else IfName(""),
        peer_mac=peer.mac if peer else "",
        master=master.name if master else None,
        alias=link.alias,
    )


class _Hands:
    """Does steps within one scope."""

    def __init__(self, spaces: dict[NetnsName, FakeSpace], scope: Scope) -> None:
        self._spaces, self._scope = spaces, scope

    def do(self, step: Step) -> None:
        """Do one step. Raises KernelError, OSError, FakeNftError, FakeIptablesError."""
        match step:
            case CreateNamespace():
                self._create(step)
            case DeleteNamespace():
                self._delete(step)
            case SetSysctl():
                self._get(step.netns).set_sysctl(step.sysctl)
            case AddLink():
                self._add_link(self._get(step.netns), step.link)
            case DeleteLink():
                self._delete_link(self._find(step.netns), step.name)
            case SetMtu():
                self._set_mtu(self._get(step.netns), step.name, step.mtu)
            case AddAddress():
                self._get(step.netns).add_address(step.address)
            case AddEntry():
                self._get(step.netns).add_entry(step.entry)
            case DeleteEntry():
                for space in self._present(step.netns):
                    space.delete_entry(step.entry)
            case AddRoute():
                self._get(step.netns).add_route(step.route)
            case DeleteAddress():
                for space in self._present(step.netns):
                    space.delete_address(step.address)
            case DeleteRoute():
                for space in self._present(step.netns):
                    space.delete_route(step.route)
            case ApplyNft():
                space = self._get(step.netns)
                space.table = space.noted = run_script(str(step.change), space.table)
            case ApplyIptables():
                programs = self._get(step.netns).iptables
                programs.setdefault((step.variant, step.family), FakeIptables()).restore(step.script)
            case _:
                assert_never(step)

    def _find(self, name: NetnsName) -> FakeSpace | None:
        if name not in self._scope.names:
            raise KernelError("not in the scope of this lab")
        found = self._spaces.get(name)
        if found is not None and found.alias != self._scope.mark:
            raise KernelError("the namespace does not carry this lab's mark: it belongs to somebody else")
        return found

    def _get(self, name: NetnsName) -> FakeSpace:
        found = self._find(name)
        if found is None:
            raise KernelError("no such network namespace")
        return found

    def _present(self, name: NetnsName) -> Iterable[FakeSpace]:
        found = self._find(name)
        return () if found is None else (found,)

    def _create(self, step: CreateNamespace) -> None:
        if step.alias != self._scope.mark:
            raise KernelError(f"the mark {step.alias!r} is not this lab's")
        if self._find(step.netns) is None:
            self._spaces[step.netns] = FakeSpace(name=step.netns, alias=step.alias)

    def _delete(self, step: DeleteNamespace) -> None:
        if self._find(step.netns) is None:
            return
        for link in self._spaces.pop(step.netns).links.values():
            if link.peer is not None:
                link.peer.peer = None

    def _delete_link(self, space: FakeSpace | None, name: IfName) -> None:
        link = space.links.get(name) if space else None
        if space is None or link is None:
            return
        if link.alias != self._scope.mark:
            raise KernelError(NOT_OURS)
        self._drop(link)

    def _set_mtu(self, space: FakeSpace, name: IfName, mtu: int) -> None:
        link = space.links.get(name)
        if link and link.alias != self._scope.mark:
            raise KernelError(NOT_OURS)
        space.set_mtu(name, mtu)

    def _drop(self, link: FakeLink) -> None:
        """Remove a link, with its other end."""
        self._spaces[link.netns].drop_link(link.name)
        if link.peer is not None:
            self._spaces[link.peer.netns].drop_link(link.peer.name)

    def _add_link(self, space: FakeSpace, link: Link) -> None:
        """Make a link; the wanted one is left alone if it is there, one of ours under its name makes way, others do not."""
        if self._is_there(space, link):
            return
        self._clear(space, link.name)
        if not isinstance(link, Veth):
            made = FakeLink(space.name, link.name, "bridge", link.mac, link.mtu, link.alias)
            if isinstance(link, Vxlan):
                made.kind, made.tunnel = "vxlan", (link.vni, link.port, link.local)
            space.add_link(made)
            return
        far, master = self._far(link), self._master(space, link)
        self._clear(far, link.peer_name)
        near = FakeLink(space.name, link.name, "veth", link.mac, link.mtu, link.alias, master=master)
        end = FakeLink(far.name, link.peer_name, "veth", link.peer_mac, link.mtu, link.alias, peer=near)
        near.peer = end
        space.add_link(near)
        try:
            far.add_link(end)
        except OSError:
            space.drop_link(near.name)
            raise

    def _far(self, link: Veth) -> FakeSpace:
        try:
            return self._get(link.peer_netns)
        except KernelError as error:
            raise KernelError(f"peer {link.peer_netns}: {error}") from error

    def _master(self, space: FakeSpace, link: Veth) -> FakeLink | None:
        if link.master is None:
            return None
        master = space.links.get(link.master)
        if master is None:
            raise KernelError(f"no bridge {link.master}")
        if master.kind != "bridge":
            refuse(errno.EOPNOTSUPP)
        return master

    def _clear(self, space: FakeSpace, name: IfName) -> None:
        found = space.links.get(name)
        if found is None:
            return
        if found.alias != self._scope.mark:
            raise KernelError(f"a link {name} that is not this lab's is in the way")
        self._drop(found)

    def _is_there(self, space: FakeSpace, link: Link) -> bool:
        found = space.links.get(link.name)
        return found is not None and found.alias == self._scope.mark and _noun(found, self._scope.names, found.alias) == link
