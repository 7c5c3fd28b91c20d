"""How nft names the parts of a packet in each family: what a frontend is looked up by, and what its client is. Pure."""

from __future__ import annotations

from typing import NamedTuple

from netlab.desired.frontend import Frontend


class Family(NamedTuple):
    """IPv4 or IPv6 in nft's words. `suffix` ends the names of its maps and sets."""

    keyword: str
    address_type: str
    suffix: str

    @property
    def saddr(self) -> str:
        """The client's address."""
        return f"{self.keyword} saddr"

    @property
    def daddr(self) -> str:
        """The address that it wants."""
        return f"{self.keyword} daddr"

    @property
    def frontend(self) -> str:
        """What a packet is looked up by: where it wants to go."""
        return f"{self.daddr} . meta l4proto . th dport"

    @property
    def frontend_type(self) -> str:
        """The type of that."""
        return f"{self.address_type} . inet_proto . inet_service"

    @property
    def target_type(self) -> str:
        """The type of what it is translated to."""
        return f"{self.address_type} . inet_service"

    def name(self, stem: str, *numbers: int) -> str:
        """Return the name of a chain, map or set: `pick-3`, `pick6-3`."""
        return "-".join((f"{stem}{self.suffix}", *map(str, numbers)))


IPV4 = Family("ip", "ipv4_addr", "")
IPV6 = Family("ip6", "ipv6_addr", "6")


def family_of(address: str) -> Family:
    """Return the family of an address or a range."""
    return IPV6 if ":" in address else IPV4


def key_of(frontend: Frontend) -> str:
    """Return what packets for a frontend are looked up by: `10.96.0.20 . tcp . 80`."""
    return f"{frontend.address} . {frontend.protocol} . {frontend.port}"
