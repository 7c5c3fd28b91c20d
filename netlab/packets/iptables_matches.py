"""The matches of iptables, by their options: one table. Each is a question about the packet of a Scene.

Lists of clients (`-m recent`) are Traffic, as nft's dynamic sets are. Source: iptables-extensions(8); the kernel's xt_*.c.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from netlab.netstate.nft import Element
from netlab.packets.fields import FIELDS
from netlab.packets.scene import OneIn, Scene
from netlab.packets.tokens import UnknownRule
from netlab.packets.values import IFNAME, ROUTE_TYPE, STATES, STATUSES, parse_value

Test = Callable[[Scene], bool]


class Words:
    """The words of a rule that are not yet read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = shlex.split(text)[::-1]

    def take(self) -> str:
        """Read the next word. Raises UnknownRule at the end."""
        if not self.left:
            raise UnknownRule(f"rule ends too early: {self.text}")
        return self.left.pop()

    def take_if(self, word: str) -> bool:
        """Read the next word if it is this one."""
        found = self.left[-1:] == [word]
        return found and bool(self.left.pop())

    def expect(self, word: str) -> None:
        """Read exactly this word. Raises UnknownRule at another one."""
        if not self.take_if(word):
            raise UnknownRule(f"{word} was to come next: {self.text}")

    def skip(self, count: int) -> None:
        """Read so many words that say nothing about packets."""
        for _ in range(count):
            self.take()


def _within(field: str) -> Callable[[Words], Test]:
    """An option whose value is a range of a field of nft."""
    kind, read = FIELDS[field]

    def parse(words: Words) -> Test:
        low, high = parse_value(kind, words.take().replace(":", "-"))
        return lambda scene: low <= read(scene) <= high

    return parse


def _address(side: str) -> Callable[[Words], Test]:
    def parse(words: Words) -> Test:
        network = ip_network(words.take())
        word = "ip6" if network.version == 6 else "ip"  # noqa: PLR2004 - the name of the family
        low, high = int(network.network_address), int(network.broadcast_address)
        read = FIELDS[f"{word} {side}"][1]
        return lambda scene: low <= read(scene) <= high

    return parse


def _interface(side: str) -> Callable[[Words], Test]:
    """`-i veth+`: a plus is any ending."""

    def parse(words: Words) -> Test:
        name = words.take()
        low, high = parse_value(IFNAME, f"{name[:-1]}*" if name.endswith("+") else name)
        read = FIELDS[side][1]
        return lambda scene: low <= read(scene) <= high

    return parse


def _state(words: Words) -> Test:
    """`--ctstate NEW,DNAT`: states, and two of the status bits."""
    named = [word.lower() for word in words.take().split(",")]
    status = sum(parse_value(STATUSES, word).low for word in named if word in {"snat", "dnat"})
    states = sum(parse_value(STATES, word).low for word in named if word not in {"snat", "dnat"})

    def test(scene: Scene) -> bool:
        bits = scene.connection.status if scene.connection else 0
        return bool(parse_value(STATES, scene.state).low & states or bits & status)

    return test


def _mark(words: Words) -> Test:
    value, mask = masked(words)
    return lambda scene: scene.mark & mask == value


def masked(words: Words) -> tuple[int, int]:
    """Read `0x4000/0x4000`; without a mask all bits count. Raises ValueError."""
    value, _, mask = words.take().partition("/")
    return int(value, 0), int(mask or "0xffffffff", 0)


def _route_type(side: str) -> Callable[[Words], Test]:
    def parse(words: Words) -> Test:
        wanted = parse_value(ROUTE_TYPE, words.take().lower()).low

        def test(scene: Scene) -> bool:
            address = scene.packet.source if side == "saddr" else scene.packet.destination
            return scene.route_type(address, "") == wanted

        return test

    return parse


def _probability(words: Words) -> Test:
    """`--probability 0.33333333349`: once in three times. kube-proxy writes no others."""
    times = OneIn(round(1 / float(words.take())))
    return lambda scene: scene.choose(times) == 0


def _is_recent(words: Words) -> Test:
    """`--rcheck --seconds 10800 --reap --name NAME --mask 255.255.255.255 --rsource`: is the client on the list?"""
    name = _recent_name(words)
    return lambda scene: any(one.key == scene.packet.source for one in scene.traffic.elements(scene.netns, name))


def _remember(words: Words) -> Test:
    """`--set --name NAME ...`: put the client on the list; it always matches."""
    name = _recent_name(words)

    def test(scene: Scene) -> bool:
        client = scene.packet.source
        scene.traffic = scene.traffic.with_element(scene.netns, name, Element(key=client), instead_of=client)
        return True

    return test


def _recent_name(words: Words) -> str:
    """Read the options of a list of clients, and return its name. Nothing expires here."""
    name = ""
    while words.left and words.left[-1] in _RECENT:
        option = words.take()
        if option == "--name":
            name = words.take()
        else:
            words.skip(_RECENT[option])
    return f"recent {name}"


_RECENT: Final = {"--seconds": 1, "--reap": 0, "--name": 1, "--mask": 1, "--rsource": 0}
OPTIONS: Final[dict[str, Callable[[Words], Test]]] = {
    "-s": _address("saddr"),
    "-d": _address("daddr"),
    "-p": _within("meta l4proto"),
    "-i": _interface("iifname"),
    "-o": _interface("oifname"),
    "--dport": _within("th dport"),
    "--sport": _within("th sport"),
    "--ctstate": _state,
    "--mark": _mark,
    "--dst-type": _route_type("daddr"),
    "--src-type": _route_type("saddr"),
    "--probability": _probability,
    "--rcheck": _is_recent,
    "--set": _remember,
}
