"""Values of rules: what `10.96.0.0/16`, `30000-32767`, `tcp` or `"veth*"` stand for, and how sets of them are searched.

Every value is an integer, as in the kernel's registers; a kind knows how its values are written. An element of a set is a
range in each dimension. Interface names are their sixteen bytes, so that a wildcard is a range too.
Source: nft(8), DATA TYPES; the numbers are those of the kernel's uapi headers.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, NamedTuple

from netlab.frozen import dataclass
from netlab.netstate.names import IFNAMSIZ
from netlab.netstate.nft import Element
from netlab.packets.packet import NUMBERS
from netlab.packets.tokens import UnknownRule

Key = tuple[int, ...]
_NAME_BYTES: Final = IFNAMSIZ + 1


class Interval(NamedTuple):
    """All values from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type of nft. `is_flags`: a value is a set of bits, and a word in a rule asks for one of them.

    `width` is how many bytes a value has in a register, 0 where nobody asks; those of a mark are in the machine's own order.
    """

    name: str
    parse: Callable[[str], Interval]
    show: Callable[[int], str]
    is_flags: bool = False
    width: int = 0
    order: Literal["big", "little"] = "big"


@functools.lru_cache(maxsize=4096)
def address_number(text: str) -> int:
    """Return an address as the number it is."""
    return int(ip_address(text))


def _addresses(text: str) -> Interval:
    if "/" in text:
        network: IPv4Network | IPv6Network = ip_network(text)
        return Interval(int(network.network_address), int(network.broadcast_address))
    low, _, high = text.partition("-")
    return Interval(address_number(low), address_number(high or low))


def _ifname(text: str) -> Interval:
    name = text.strip('"')
    if name.endswith("*") and not name.endswith("\\*"):
        stem = name[:-1].encode()
        return Interval(*(int.from_bytes(stem.ljust(_NAME_BYTES, pad)) for pad in (b"\0", b"\xff")))
    number = ifname_number(name)
    return Interval(number, number)


def ifname_number(name: str) -> int:
    """Return the sixteen bytes of an interface's name as a number."""
    return int.from_bytes(name.encode().ljust(_NAME_BYTES, b"\0"))


def _show_ifname(number: int) -> str:
    return f'"{number.to_bytes(_NAME_BYTES).rstrip(bytes(1)).decode()}"'


def _numbers(name: str, names: Mapping[str, int], *, is_flags: bool = False, form: str = "d") -> Kind:
    """Return a kind whose values are numbers, some of which have names."""
    shown = {number: word for word, number in reversed(list(names.items()))}

    def parse(text: str) -> Interval:
        if text in names:
            return Interval(names[text], names[text])
        low, _, high = text.partition("-")
        return Interval(int(low, 0), int(high or low, 0))

    return Kind(name=name, parse=parse, show=lambda number: shown.get(number, f"{number:{form}}"), is_flags=is_flags)


IPV4 = Kind(name="ipv4_addr", parse=_addresses, show=lambda number: str(IPv4Address(number)), width=4)
IPV6 = Kind(name="ipv6_addr", parse=_addresses, show=lambda number: str(IPv6Address(number)), width=16)
PORT = _numbers("inet_service", {})
PROTOCOL = _numbers("inet_proto", {**NUMBERS, "ipv6-icmp": 58})
NUMBER = _numbers("integer", {})
MARK = replace(_numbers("mark", {}, form="#010x"), width=4, order=sys.byteorder)
IFNAME = Kind(name="ifname", parse=_ifname, show=_show_ifname)
FAMILY = _numbers("nf_proto", {"ipv4": 2, "ipv6": 10})
STATES = _numbers("ct_state", {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}, is_flags=True)
STATUSES = _numbers(
    "ct_status", {"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32}, is_flags=True
)
DIRECTION = _numbers("ct_dir", {"original": 0, "reply": 1})
ROUTE_TYPE = _numbers("fib_addrtype", {"unspec": 0, "unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5})
ICMP_TYPE = _numbers("icmp_type", {"echo-reply": 0, "destination-unreachable": 3, "echo-request": 8, "time-exceeded": 11})
ICMPV6_TYPE = _numbers(
    "icmpv6_type",
    {
        "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "echo-request": 128, "echo-reply": 129,
        "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136,
    },
)  # fmt: skip


def parse_value(kind: Kind, text: str) -> Interval:
    """Return the range that a word stands for. Raises UnknownRule if this kind has no such word."""
    try:
        return kind.parse(text)
    except ValueError as error:
        raise UnknownRule(f"{text!r} is no {kind.name}: {error}") from error


def parse_exact(kinds: tuple[Kind, ...], text: str) -> Key:
    """Return the values of a concatenation, perhaps of fewer parts than `kinds`. Raises UnknownRule for a range."""
    found = _parse_key(kinds, text)
    if any(low != high for low, high in found):
        raise UnknownRule(f"{text!r} is a range where one value is needed")
    return tuple(low for low, _ in found)


def key_bytes(kinds: tuple[Kind, ...], key: Key) -> bytes:
    """Return a concatenation as it is in the registers, one value behind the other."""
    return b"".join(part.to_bytes(kind.width, kind.order) for kind, part in zip(kinds, key, strict=True))


def show_key(kinds: tuple[Kind, ...], key: Key) -> str:
    """Return a concatenation as nft prints it: `10.96.0.21 . tcp . 80`."""
    return " . ".join(kind.show(part) for kind, part in zip(kinds, key, strict=True))


def _parse_key(kinds: tuple[Kind, ...], text: str) -> tuple[Interval, ...]:
    return tuple(parse_value(kind, part) for kind, part in zip(kinds, text.split(" . "), strict=False))


class Index:
    """The elements of one set or map, to be searched: exact ones by a dict, ranges one after the other, `*` at last."""

    def __init__(self, elements: frozenset[Element], kinds: tuple[Kind, ...]) -> None:
        self._exact: dict[Key, Element] = {}
        self._ranges: list[tuple[tuple[Interval, ...], Element]] = []
        self._rest: Element | None = None
        for element in elements:
            if element.key == "*":
                self._rest = element
                continue
            found = _parse_key(kinds, element.key)
            if len(found) != len(kinds) or element.key.count(" . ") + 1 != len(kinds):
                raise UnknownRule(f"{element.key!r} is no key of {' . '.join(kind.name for kind in kinds)}")
            if all(low == high for low, high in found):
                self._exact[tuple(low for low, _ in found)] = element
            else:
                self._ranges.append((found, element))

    def find(self, key: Key) -> Element | None:
        """Return the element that holds `key`."""
        exact = self._exact.get(key)
        if exact is not None:
            return exact
        for intervals, element in self._ranges:
            if all(low <= part <= high for (low, high), part in zip(intervals, key, strict=True)):
                return element
        return self._rest


@functools.lru_cache(maxsize=256)
def index(elements: frozenset[Element], kinds: tuple[Kind, ...]) -> Index:
    """Return the index of these elements: made once, as all Nodes have most sets in common."""
    return Index(elements, kinds)
