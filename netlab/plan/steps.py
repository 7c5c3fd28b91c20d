"""Steps: single changes to Linux. Each says where, what, why, and prints as the line that does it by hand (law 7).

A step is idempotent: applied to a machine on which it was applied before, it changes nothing. Source: ip(8), sysctl(8), nft(8),
iptables-restore(8).
"""

from __future__ import annotations

import shlex
from dataclasses import field

from netlab.frozen import dataclass
from netlab.netstate.iptables import PROGRAMS, Family, IptablesRules, Variant
from netlab.netstate.links import ROUTE_PROTOCOL, UNLESS_PRESENT, Address, Entry, Link, Neighbour, Route, Sysctl, Veth, Vxlan
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.nft import NftTable
from netlab.plan.table_change import TableChange


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNamespace:
    """Make a namespace, its loopback up and marked with `alias`, and give it its name."""

    netns: NetnsName
    alias: str
    reason: str = ""

    @property
    def command(self) -> str:
        """The lines that do it by hand."""
        return f"ip netns add {self.netns} && ip -n {self.netns} link set lo up alias {shlex.quote(self.alias)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNamespace:
    """Take the name away; the kernel frees the namespace and its links when its last process has ended."""

    netns: NetnsName
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip netns del {self.netns}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSysctl:
    """Write one kernel parameter of the namespace."""

    netns: NetnsName
    sysctl: Sysctl
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        option = "-e " if UNLESS_PRESENT.get(self.sysctl.key) == self.sysctl.value else ""  # missing is as good as set
        return f"ip netns exec {self.netns} sysctl {option}-w {shlex.quote(f'{self.sysctl.key}={self.sysctl.value}')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLink:
    """Make a bridge, a tunnel, or a whole veth pair from its switch side (`master` set), up at both ends."""

    netns: NetnsName
    link: Link
    reason: str = ""

    @property
    def command(self) -> str:
        """The lines that do it by hand."""
        link, alias = self.link, shlex.quote(self.link.alias)
        if not isinstance(link, Veth):
            # Two commands, because Linux ignores an alias that is given while a link is made.
            kind = (
                f"vxlan id {link.vni} local {link.local} dstport {link.port} nolearning"
                if isinstance(link, Vxlan)
                else "bridge"
            )
            add = f"ip -n {self.netns} link add {link.name} address {link.mac} mtu {link.mtu} type {kind}"
            return f"{add} && ip -n {self.netns} link set {link.name} up alias {alias}"
        port = f"master {link.master} " if link.master else ""
        return (
            f"ip -n {self.netns} link add {link.name} address {link.mac} mtu {link.mtu} type veth"
            f" peer name {link.peer_name} address {link.peer_mac} mtu {link.mtu} netns {link.peer_netns}"
            f" && ip -n {self.netns} link set {link.name} {port}up alias {alias}"
            f" && ip -n {link.peer_netns} link set {link.peer_name} up alias {alias}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMtu:
    """Change the largest packet, in bytes, that a link takes. Whatever hangs on the link stays, connections too."""

    netns: NetnsName
    name: IfName
    mtu: int
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip -n {self.netns} link set {self.name} mtu {self.mtu}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLink:
    """Remove a link; of a veth pair both ends go."""

    netns: NetnsName
    name: IfName
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip -n {self.netns} link del {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAddress:
    """Put an address on a link."""

    netns: NetnsName
    address: Address
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip -n {self.netns} addr add {self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAddress:
    """Take an address from a link."""

    netns: NetnsName
    address: Address
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip -n {self.netns} addr del {self.address.address} dev {self.address.dev}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEntry:
    """Write down who has an address, or where a MAC is, in place of an earlier entry for the same."""

    netns: NetnsName
    entry: Entry
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        if isinstance(self.entry, Neighbour):
            return f"ip -n {self.netns} neigh replace {self.entry} nud permanent"
        return f"bridge -n {self.netns} fdb replace {self.entry} self permanent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEntry:
    """Forget who has an address, or where a MAC is."""

    netns: NetnsName
    entry: Entry
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        if isinstance(self.entry, Neighbour):
            return f"ip -n {self.netns} neigh del {self.entry.address} dev {self.entry.dev}"
        return f"bridge -n {self.netns} fdb del {self.entry} self"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRoute:
    """Add a route to the main table, in place of an earlier one to the same destination."""

    netns: NetnsName
    route: Route
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip -n {self.netns} route replace {self.route} proto {ROUTE_PROTOCOL}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRoute:
    """Take a route from the main table."""

    netns: NetnsName
    route: Route
    reason: str = ""

    @property
    def command(self) -> str:
        """The line that does it by hand."""
        return f"ip -n {self.netns} route del {self.route} proto {ROUTE_PROTOCOL}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyNft:
    """Change an nftables table. What of it is refused is not done at all.

    `leaves` is the table after it, if there was what the change was made for; with `is_whole` it is so whatever there was.
    """

    netns: NetnsName
    change: TableChange
    leaves: NftTable | None = field(default=None, compare=False, repr=False)
    is_whole: bool = field(default=False, compare=False, repr=False)
    reason: str = ""

    @property
    def command(self) -> str:
        """The lines that do it by hand."""
        return f"ip netns exec {self.netns} nft -f - <<'EOF'\n{str(self.change).rstrip()}\nEOF"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyIptables:
    """Give `script` to `iptables-restore --noflush`: chains it does not mention stay; each table in it is one transaction.

    `leaves` are our rules after it and `strangers` those of others, if there was what the script was made for; with `is_whole`
    there was nothing.
    """

    netns: NetnsName
    script: str
    variant: Variant = "nft"
    family: Family = "ip"
    leaves: IptablesRules | None = field(default=None, compare=False, repr=False)
    strangers: IptablesRules | None = field(default=None, compare=False, repr=False)
    is_whole: bool = field(default=False, compare=False, repr=False)
    reason: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The program by its full name, with its options; `-w` waits for others that write at the same time."""
        return f"{PROGRAMS[self.family]}-{self.variant}-restore", "-w", "--noflush"

    @property
    def tables(self) -> int:
        """How many tables are written."""
        return self.script.count("\nCOMMIT\n")

    @property
    def command(self) -> str:
        """The lines that do it by hand."""
        return f"ip netns exec {self.netns} {' '.join(self.words)} <<'EOF'\n{self.script.rstrip()}\nEOF"


Step = (
    CreateNamespace
    | DeleteNamespace
    | SetSysctl
    | AddLink
    | SetMtu
    | DeleteLink
    | AddAddress
    | DeleteAddress
    | AddEntry
    | DeleteEntry
    | AddRoute
    | DeleteRoute
    | ApplyNft
    | ApplyIptables
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in an order that works from top to bottom. Printed, it is a shell script that does the same by hand."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        return "\n".join((*(explained(step) for step in self.steps), f"# {len(self.steps)} changes"))


def explained(step: Step) -> str:
    """Return the command of a step with its reason as a comment: behind it, or above one of several lines."""
    if not step.reason:
        return step.command
    return f"# {step.reason}\n{step.command}" if "\n" in step.command else f"{step.command}  # {step.reason}"
