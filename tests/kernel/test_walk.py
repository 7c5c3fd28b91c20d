"""The walk of netlab/packets against the kernel: hundreds of random packets, each sent by a real socket in a real lab.

What the kernel did is heard by raw sockets in every namespace (tests/ears.py). It must be among the branches of the walk, down
to the source that the receiver saw and the addresses of the answer that came back.

That a packet did not arrive is proved by canaries: two round trips that were sent after it, on the same processor and over more
hops, have come back. Then the packet and its answer are where they go, or gone.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import operator
import os
import random
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from netlab.desired.compile import compile_net, mark
from netlab.kernel import netns, nft
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.kernel.sysctl import write
from netlab.model.kube_proxy import KubeProxy
from netlab.netstate.links import Address, Sysctl
from netlab.netstate.names import IfName
from netlab.netstate.nft import NftTable
from netlab.netstate.state import Namespace, NetState
from netlab.packets.packet import Packet
from netlab.packets.traffic import Traffic
from netlab.packets.walk import Walker
from netlab.plan.diff import diff
from tests.ears import CANARY_PORT, DEADLINE_S, Ears, Heard
from tests.walked import (
    BALANCER,
    BOTH,
    CLIENT,
    EXTERNAL_IP,
    HOSTED,
    INTERNET,
    LONELY,
    NODE_1,
    NODE_2,
    OUTSIDE,
    SERVICES,
    UNALLOCATED,
    A,
    B,
    C,
    ipv6_of,
    walked,
)  # fmt: skip

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

LAB = "walk"
PACKETS = 600
FIRST_PORT = 20_000
# How often packets are sent once more, until the kernel has drawn an endpoint that shows what a rule is for.
TRIES = 30
# What an error of ICMP is called, and its type and code, in both families (RFC 792, RFC 4443).
CODES = {
    "icmp net-unreachable": (3, 0), "icmp host-unreachable": (3, 1), "icmp port-unreachable": (3, 3), "icmp time-exceeded": (11, 0),
    "icmpv6 no-route": (1, 0), "icmpv6 addr-unreachable": (1, 3), "icmpv6 port-unreachable": (1, 4), "icmpv6 time-exceeded": (3, 0),
}  # fmt: skip

# Errors of ICMP are not to be saved up, and a neighbour that is not there is to be known as soon as possible.
HASTE = (
    Sysctl(key="net.ipv4.icmp_ratelimit", value="0"),
    Sysctl(key="net.ipv6.icmp.ratelimit", value="0"),
    *(
        Sysctl(key=f"net.{family}.neigh.{dev}.{what}", value=value)
        for family in ("ipv4", "ipv6")
        for dev in ("default", "eth0", "cni0")
        for what, value in (("retrans_time_ms", "10"), ("mcast_solicit", "1"))
    ),
)
LABS = {
    "nftables": {},
    "iptables": {"kube_proxy": KubeProxy(mode="iptables")},
    "both families": {"ip_family": "dual"},
    "a tunnel": {"network": "vxlan"},
    "a load balancer outside": {"load_balancer_ip_mode": "Proxy", "ip_family": "dual"},
}


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A network, and the IPv6 addresses of what has an IPv4 one."""

    net: NetState
    ipv6: dict[str, str]

    @property
    def places(self) -> list[str]:
        """Where packets are sent from."""
        return [name for name in self.net.by_name if not name.endswith(".fabric")]

    @property
    def machine(self) -> str:
        """Whose table is looked at rule by rule: that of the machine outside in the lab where it has one, else a Node's."""
        return "outside" if self.net.by_name[f"{LAB}.outside"].table else "node-1"

    @property
    def table(self) -> NftTable:
        """Its table; in iptables mode there is none."""
        return self.net.by_name[f"{LAB}.{self.machine}"].table or NftTable()


def wishes(build, **spec) -> Lab:
    cluster, assigned = walked(build, LAB, **spec)
    ipv6 = ipv6_of(assigned) if spec.get("ip_family") == "dual" else {}
    kept = {UNALLOCATED, ipv6[UNALLOCATED]} if ipv6 else {UNALLOCATED}
    return Lab(
        net=NetState(namespaces=frozenset(owning(item, kept) for item in compile_net(cluster, assigned).namespaces)), ipv6=ipv6
    )


def owning(item: Namespace, kept: set[str]) -> Namespace:
    """`outside` has addresses that are to stay within the cluster: should a packet to them get out, it is seen."""
    more = {
        Address(dev=IfName("lo"), address=f"{ip}/{128 if ':' in ip else 32}", noprefixroute=True, nodad=":" in ip)
        for ip in kept
    }
    return replace(item, addresses=item.addresses | more) if item.name == f"{LAB}.outside" else item


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What became of a packet: where it was delivered and as what, or which error came back, or nothing at all."""

    ending: str
    place: str = ""
    source: str = ""
    destination: tuple[str, int] = ("", 0)
    answer: tuple[int, int] | None = None


@pytest.fixture(scope="module", params=LABS)
def lab(build, request):
    """The lab, made by netlab's own hands, and taken away again."""
    found = wishes(build, **LABS[request.param])
    uid = "00000000-0000-4000-8000-00000000a1c0"
    scope = Scope(mark=mark(uid), names=frozenset(found.net.by_name))
    linux = LinuxNetwork()
    try:
        linux.apply(scope, diff(found.net, NetState(), scope.mark).steps)
        for name in found.net.by_name:
            netns.in_namespace(name, make_hasty)
        yield found
    finally:
        linux.apply(scope, diff(NetState(), found.net, scope.mark).steps)


def make_hasty() -> None:
    for one in HASTE:
        with contextlib.suppress(FileNotFoundError):
            write(one)


@pytest.fixture(scope="module")
def ears(lab):
    """All ears, on one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    made = Ears(lab.places, (socket.AF_INET, socket.AF_INET6) if lab.ipv6 else (socket.AF_INET,))
    try:
        yield made
    finally:
        made.close()
        os.sched_setaffinity(0, before)


PODS = (A, B, CLIENT, C, HOSTED)
NOBODY = (UNALLOCATED, UNALLOCATED, UNALLOCATED, "10.244.1.77", "10.244.2.77", "10.244.9.9", "198.51.100.7")
TARGETS = (*SERVICES, EXTERNAL_IP, BALANCER, NODE_1, NODE_2, "10.244.1.1", "10.244.2.1", *PODS, *NOBODY, OUTSIDE, INTERNET)
PORTS = (80, 80, 80, 53, 81, 8080, 8000, 5353, 30080, 30053, 30081, 30090, 30091, 1234)


# Half of the packets go where somebody is meant to be, so that no rule is left out.
SERVED = [
    *((service, 80, "tcp") for service in (*SERVICES, EXTERNAL_IP, BALANCER)),
    (BOTH, 53, "udp"),
    *((node, port, "tcp") for node in (NODE_1, NODE_2) for port in (30080, 30090, 30091, 30093, 8000)),
    *((node, 30053, "udp") for node in (NODE_1, NODE_2)),
]


def random_packets(lab: Lab, count: int):
    """Yield (namespace, packet). A packet without source is sent by a socket that is not bound to an address."""
    dice = random.Random(20260131)
    balanced = [BALANCER, LONELY] * 3 if lab.machine == "outside" else []
    targets, served = (*TARGETS, *balanced), [*SERVED, *((ip, 80, "tcp") for ip in balanced)]
    nodes = [place for place in lab.places if ".node-" in place]
    for number in range(count):
        place = dice.choice([*lab.places, *nodes])  # Nodes are few, and have most rules for themselves
        anything = dice.choice(targets), dice.choice(PORTS), dice.choice(["tcp", "udp"])
        destination, port, protocol = dice.choice([anything, dice.choice(served)])
        source = dice.choice(["", OUTSIDE, INTERNET]) if place.endswith(".outside") else ""
        if destination in lab.ipv6 and dice.random() < 1 / 2:
            source, destination = lab.ipv6.get(source, ""), lab.ipv6[destination]
        packet = Packet(
            protocol=protocol, source=source, source_port=FIRST_PORT + number, destination=destination, destination_port=port
        )
        yield place, packet


class Prober:
    """Sends packets and finds out what became of them."""

    def __init__(self, ears: Ears, lab: Lab) -> None:
        self.ears = ears
        self.canaries = {
            place: netns.in_namespace(place, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for place in lab.places
        }
        for place, canary in self.canaries.items():
            canary.settimeout(DEADLINE_S)
            canary.connect((NODE_1 if place.endswith(".outside") else OUTSIDE, CANARY_PORT))
            self.wait_for_canary(place)
        self._introduce(lab)

    def _introduce(self, lab: Lab) -> None:
        """Let all neighbours know each other: who has to ask for one first is slower than a canary."""
        addresses = [NODE_1, NODE_2, OUTSIDE, *PODS]
        for place in lab.places:
            for destination in (*addresses, *(lab.ipv6[one] for one in addresses if lab.ipv6)):
                self.probe(
                    place, Packet(protocol="udp", source_port=FIRST_PORT - 1, destination=destination, destination_port=1)
                )

    def close(self) -> None:
        for one in self.canaries.values():
            one.close()

    def wait_for_canary(self, place: str) -> list:
        """Send a canary on a round trip, twice; return everything that was heard meanwhile, but for canaries."""
        canary, found = self.canaries[place], []
        own = canary.getsockname()[1]
        for _ in range(2):
            canary.send(b"canary")
            found += self.ears.until(lambda one: one.place == place and one.destination[1] == own and one.data == b"canary")
            canary.recv(99)
        return [one for one in found if one.data != b"canary"]

    def probe(self, place: str, packet: Packet, *, is_asked_for: bool = False):
        """Send a packet; return what became of it, and the answer that came back (None: no answer).

        `is_asked_for`: somebody asks for a neighbour that is not there, which takes longer than a canary flies.
        """
        family = socket.AF_INET6 if packet.is_ipv6 else socket.AF_INET
        kind = socket.SOCK_STREAM if packet.protocol == "tcp" else socket.SOCK_DGRAM
        one = netns.in_namespace(place, lambda: socket.socket(family, kind))
        try:
            failed = self._send(one, packet)
            heard = self.wait_for_canary(place)
            if is_asked_for and not heard:
                heard = self.ears.until(lambda error: _is_about(error, place, packet))
        finally:
            one.close()
        self.wait_for_canary(place)  # what closing sends is not part of it
        return self._seen(place, packet, heard, failed)

    def _send(self, one: socket.socket, packet: Packet) -> int:
        """Send by an ordinary socket; return the errno if Linux refused."""
        one.setblocking(False)
        if one.type == socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.bind((packet.source, packet.source_port))
        code = one.connect_ex((packet.destination, packet.destination_port))
        if code or one.type == socket.SOCK_STREAM:
            return 0 if code == errno.EINPROGRESS else code
        with contextlib.suppress(PermissionError, ConnectionRefusedError):  # refused in the output hook: ICMP comes as well
            one.send(b"probe")
        return 0

    def _seen(self, place, packet: Packet, heard, failed: int):
        arrived = [one for one in heard if one.opens and not (one.place == place and one.destination[1] == packet.source_port)]
        assert len(arrived) <= 1, f"{packet} arrived more than once: {arrived}"
        if arrived:
            answers = [
                one for one in heard if one.place == place and one.destination[1] == packet.source_port and not one.error
            ]
            seen = Seen(
                ending="delivered", place=arrived[0].place, source=arrived[0].source[0], destination=arrived[0].destination
            )
            return seen, answers[0] if answers else None
        errors = [one.error for one in heard if _is_about(one, place, packet)]
        if errors:
            return Seen(ending="error", answer=errors[0]), None
        return Seen(ending="no route" if failed == errno.ENETUNREACH else "silence"), None


def _is_about(one, place: str, packet: Packet) -> bool:
    """Is it an error of ICMP that tells the sender what became of the packet?"""
    return one.place == place and one.error is not None and one.source[1] == packet.source_port


def expected(walk) -> Seen:
    """What a walk says will be seen."""
    verdict = walk.verdict
    if verdict.is_delivered:
        packet = verdict.packet
        destination = (packet.destination, packet.destination_port)
        return Seen(ending="delivered", place=verdict.netns, source=packet.source, destination=destination)
    if verdict.answer:
        return Seen(ending="error", answer=CODES[verdict.answer])
    return Seen(ending="no route" if verdict.ending == "no route" and verdict.netns == walk.netns else "silence")


def is_right(walk, seen: Seen) -> bool:
    """Tell whether the kernel did what a walk says.

    A router without a route answers everybody five times and then once a second, which nobody but the machine itself can change
    (ip_error, ip_rt_error_burst in the kernel's route.c). That is of IPv4 only.
    """
    is_spared = walk.verdict.answer == "icmp net-unreachable" and seen.ending == "silence"
    return is_spared or expected(walk) == seen


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What the kernel did with a packet."""

    place: str
    packet: Packet
    seen: Seen
    answer: Heard | None


@pytest.fixture(scope="module")
def prober(lab, ears):
    with contextlib.closing(Prober(ears, lab)) as made:
        yield made


@pytest.fixture(scope="module")
def facts(lab, prober):
    """Every random packet sent, and what became of it."""
    walker, packets = Walker(lab.net), random_packets(lab, PACKETS * (2 if lab.ipv6 else 1))
    return [fact(walker, prober, place, packet) for place, packet in packets]


def fact(walker: Walker, prober: Prober, place: str, packet: Packet) -> Fact:
    is_asked_for = any(walk.verdict.ending == "no neighbour" for walk in walker.branches(place, packet))
    seen, answer = prober.probe(place, packet, is_asked_for=is_asked_for)
    return Fact(place=place, packet=packet, seen=seen, answer=answer)


def follow(walker: Walker, facts: list[Fact]):
    """Yield each fact, the walks that end as the kernel did, and all walks that chance allows.

    What rules have learnt from earlier packets (session affinity) is known to later ones.
    """
    known = Traffic()
    for found in facts:
        walks = list(walker.branches(found.place, found.packet, traffic=known))
        right = [walk for walk in walks if is_right(walk, found.seen)]
        yield found, right, walks
        if right:
            known = Traffic(learnt=right[0].traffic.learnt)


def test_the_kernel_does_what_a_walk_says(lab, facts):
    endings = Counter()
    for found, right, walks in follow(Walker(lab.net), facts):
        story = "\n".join(str(one) for one in walks)
        assert right, f"{found.place} sent {found.packet}; the kernel: {found.seen}; the walk:\n{story}"
        endings[right[0].verdict.ending] += 1
    words = {"delivered", "refused", "dropped", "no route", "no neighbour", "not forwarded"}
    if lab.machine == "outside":
        words -= {"not forwarded"}
    assert min(endings[word] for word in words) > 5


def test_the_answer_comes_back_as_a_walk_says(lab, facts):
    walker, answers = Walker(lab.net), 0
    for found, right, _ in follow(walker, facts):
        if found.answer is not None:
            answers += 1
            walk = walker.reply(right[0])
            back = walk.verdict.packet
            assert (walk.verdict.ending, walk.verdict.netns) == ("delivered", found.place), f"{found}\n{walk}"
            assert found.answer.source == (back.source, back.source_port), f"{found}\n{walk}"
            assert found.answer.destination == (back.destination, back.destination_port), f"{found}\n{walk}"
    assert answers > PACKETS / 10


def is_outside(name: str) -> bool:
    return name.endswith("outside")


def without_rule(net: NetState, chain: str, rule: str, *, outside: bool) -> NetState:
    """The same, but a rule is missing in the tables of all Nodes, or in that of the machine outside."""

    def cut(item):
        if item.table is None or is_outside(item.name) != outside:
            return item
        kept = (replace(one, rules=tuple(r for r in one.rules if (one.name, r) != (chain, rule))) for one in item.table.chains)
        return replace(item, table=replace(item.table, chains=frozenset(kept)))

    return NetState(namespaces=frozenset(cut(item) for item in net.namespaces))


def sent_again(lab: Lab, prober: Prober, facts: list[Fact], ports: Iterator[int]) -> list[Fact]:
    """Return what the kernel does with the packets of these facts, from new ports, when it knows no client any more."""
    for name, table in [(item.name, item.table) for item in lab.net.namespaces if item.table]:
        dynamic = (one for one in table.sets if "dynamic" in one.key_type)
        flush = "\n".join(f"flush {one.keyword} {table.family} {table.name} {one.name}" for one in dynamic)
        netns.in_namespace(name, partial(nft.run, flush))
    walker = Walker(lab.net)
    return [fact(walker, prober, one.place, replace(one.packet, source_port=next(ports))) for one in facts]


def odds_without(cut: Walker, walker: Walker, facts: list[Fact]) -> Iterator[float]:
    """Yield how much less likely each fact is for the walker that lacks a rule."""
    for (_, right, walks), (_, known, all_walks) in zip(follow(cut, facts), follow(walker, facts), strict=True):
        yield (len(right) / len(walks)) / (len(known) / len(all_walks))


def test_the_packets_tell_when_a_rule_is_missing(lab, prober, facts):
    """So many packets leave no rule out: without it the kernel contradicts the walk, or would be a most unlikely gambler.

    A fact that no branch explains by the rule is explained in the same way without it, and is not looked at. Which endpoint the
    kernel draws may hide the rule (who is masqueraded on the way out of his own Node keeps his address): then it draws again.
    """
    walker, ports = Walker(lab.net), itertools.count(FIRST_PORT + len(facts))
    by_rule: dict[tuple[str, str], list[Fact]] = {}
    for found, _, walks in follow(walker, facts):
        hops = [hop for walk in walks for hop in walk.hops if is_outside(hop.netns) == is_outside(lab.machine)]
        for used in {(one.chain, one.rule) for hop in hops for one in hop.matched}:
            by_rule.setdefault(used, []).append(found)
    empty = {f"@{one.name}" for one in lab.table.sets if not one.elements and "dynamic" not in one.key_type}
    for chain, rule in [(one.name, rule) for one in lab.table.chains for rule in one.rules]:
        # Rules that delete are for endpoints that are no more, and here they stay.
        if " delete @" not in rule and empty.isdisjoint(rule.split()):
            evidence = by_rule.get((chain, rule), [])
            cut = Walker(without_rule(lab.net, chain, rule, outside=is_outside(lab.machine)))
            again = (sent_again(lab, prober, evidence, ports) for _ in range(TRIES))
            odds = (one for seen in itertools.chain([evidence], again) for one in odds_without(cut, walker, seen))
            ruined = any(one < 1 / 1000 for one in itertools.accumulate(odds, operator.mul))
            assert ruined, f"{len(evidence)} packets, and nothing shows that {chain} needs {rule}"
