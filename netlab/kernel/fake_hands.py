"""Steps done to network namespaces in memory, refused where Linux refuses them: what `apply` of the Fake does."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import assert_never

from netlab.errors import KernelError
from netlab.kernel.fake_iptables import FakeIptables
from netlab.kernel.fake_nft import run_script
from netlab.kernel.fake_space import FakeLink, FakeSpace, noun, refuse
from netlab.kernel.port import Scope
from netlab.kernel.wiring import NOT_OURS
from netlab.netstate.links import Link, Veth, Vxlan
from netlab.netstate.names import IfName, NetnsName
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


class Hands:
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
        return found is not None and found.alias == self._scope.mark and noun(found, self._scope.names, found.alias) == link
