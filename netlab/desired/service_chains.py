"""The chains of a machine's table: where the kernel calls us, and how an endpoint is picked. Pure text in nft's own style.

    service-N     ClusterIP: mark if the client is no Pod ........................... then pick-N     N = number of endpoints
    external-N    NodePort and the like, policy Cluster: mark always ................ then pick-N
    local-N       policy Local: Pods and the Node itself try shortcuts; no mark ..... then pick-N
    pick-N        DNAT to a random entry of endpoints-N
    shortcut-M    mark if the client is no Pod, DNAT to a random entry of shortcut-endpoints-M
    affine-...    the same with a memory (affinity.py)

The rule that draws is in a chain of its own because nft 1.0.6 cannot use a `typeof` map in a rule that comes later than the map
(plan/nft.py); so chains with other ways to it can come and go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from netlab.desired import affinity
from netlab.desired.frontend import Frontend
from netlab.desired.packet_keys import Family, family_of
from netlab.netstate.nft import Chain

MARK = "0x00004000"
OTHER_BITS = "0xffffbfff"
MARK_FOR_MASQUERADE = f"meta mark set meta mark | {MARK}"

Way = Literal["service", "external", "local", "pick", "shortcut"]
SHORTCUT: Way = "shortcut"
# By whom a frontend marks: the chain through which its packets go.
_WAYS: dict[str, Way] = {"off-cluster": "service", "always": "external", "never": "pick"}


class PodMatch(NamedTuple):
    """How rules know in one family whether a packet is a Pod's: both matches are "" if they cannot (detectLocalMode None)."""

    is_pod: str
    is_no_pod: str


class Pick(NamedTuple):
    """A way to so many endpoints of one family, for clients that are remembered for so many seconds (0: they are not)."""

    way: Way
    family: Family
    endpoints: int
    seconds: int = 0

    @property
    def name(self) -> str:
        """The name of its chain: `service-2`, `affine-external6-3-10800`."""
        if self.seconds:
            return self.family.name(f"affine-{self.way}", self.endpoints, self.seconds)
        return self.family.name(self.way, self.endpoints)

    @property
    def stem(self) -> str:
        """What the names of the maps behind it begin with."""
        return "shortcut-" if self.way == SHORTCUT else ""


def pick_of(frontend: Frontend, family: Family) -> Pick:
    """Return the way of a frontend's packets to its endpoints."""
    way = "local" if frontend.shortcut else _WAYS[frontend.masquerade]
    return Pick(way, family, len(frontend.targets), frontend.affinity_s if frontend.targets else 0)


def pick_chains(picks: Iterable[Pick], pods: Mapping[Family, PodMatch]) -> Iterator[Chain]:
    """Yield the chains of these ways, and those which they share."""
    drawn = set()
    for pick in picks:
        yield Chain(name=pick.name, rules=tuple(_rules(pick, pods[pick.family])))
        if pick.endpoints and (pick.seconds or pick.way not in {SHORTCUT, "pick"}):
            drawn.add((pick.family, pick.endpoints, pick.seconds, pick.stem))
    for family, count, seconds, stem in drawn:
        if seconds:
            yield affinity.remember_chain(family, count, seconds, stem)
        else:
            yield Chain(name=family.name("pick", count), rules=(_draw(family, count, stem),))


def _rules(pick: Pick, pods: PodMatch) -> Iterator[str]:
    family = pick.family
    if pick.way == "local":
        shortcuts = f"{family.frontend} vmap @{family.name('shortcuts')}"
        yield from (f"{match} {shortcuts}" for match in (pods.is_pod, "fib saddr type local") if match)
    if pick.seconds:
        yield f"jump {affinity.remember_name(family, pick.endpoints, pick.seconds, pick.stem)}"
    if pick.way == "external":
        yield MARK_FOR_MASQUERADE
    elif pick.way in {"service", SHORTCUT}:
        yield f"{pods.is_no_pod} {MARK_FOR_MASQUERADE}".lstrip()
    if pick.seconds:
        yield affinity.translate(family, pick.stem)
    elif pick.way in {SHORTCUT, "pick"}:
        yield _draw(family, pick.endpoints, pick.stem)
    elif pick.endpoints:
        yield f"goto {family.name('pick', pick.endpoints)}"


def _draw(family: Family, count: int, stem: str) -> str:
    drawn = f"{family.frontend} . numgen random mod {count}"
    return f"dnat {family.keyword} to {drawn} map @{family.name(f'{stem}endpoints', count)}"


def base_chains(
    families: Sequence[Family], pod_subnets: Sequence[str], service_subnets: Sequence[str], *, is_guarded: bool
) -> Iterator[Chain]:
    """Yield the chains that are there whatever the Services are; those of the guard only if a load balancer has one.

    Without any `pod_subnets` and `service_subnets`: those of a machine that has the addresses of all its Services itself, and
    neither Pods nor ClusterIPs.
    """
    with_pods = [family_of(subnet) for subnet in pod_subnets]
    looked_up = [f"{family.frontend} vmap @{family.name('service-ips')}" for family in families]
    host_ports = [f"dnat {one.keyword} to {one.frontend} map @{one.name('host-ports')}" for one in with_pods]
    nobody = [f"{family.frontend} vmap @{family.name('no-endpoint-services')}" for family in families]
    rules = {
        "services": (*looked_up, *host_ports),
        "refuse": ("reject",),
        "nat-prerouting": ("jump services",),
        "nat-output": ("jump services",),
        "nat-postrouting": tuple(_postrouting(with_pods, pod_subnets)),
        "filter-input": tuple(f"ct state new {rule}" for rule in nobody),
    }
    if not service_subnets:
        # It is no router: what was not translated would come back from a Node by the way it went there.
        rules |= {"filter-forward": ("ct status dnat accept", "drop")}
    else:
        rules |= {
            "leftovers": (
                *nobody,
                *(f"{family.daddr} @{family.name('cluster-ips')} goto refuse" for family in families),
                *(f"{keyword(subnet)} daddr {subnet} drop" for subnet in service_subnets),
            ),
            "filter-forward": ("ct state new jump leftovers",),
            "filter-output": ("ct state new jump leftovers",),
        }
    if is_guarded:
        rules |= {
            "filter-prerouting": ("ct state new jump guard",),
            "filter-output-pre-dnat": ("ct state new jump guard",),
            "guard": tuple(_guard(families)),
        }
    for name, found in rules.items():
        yield Chain(name=name, hook=_HOOKS.get(name, ""), rules=found)


# Where the kernel calls us. The guard sees packets before they are translated, as nat-prerouting and nat-output do after it.
_HOOKS = {
    "filter-prerouting": "type filter hook prerouting priority mangle; policy accept;",
    "filter-output-pre-dnat": "type filter hook output priority mangle; policy accept;",
    "nat-prerouting": "type nat hook prerouting priority dstnat; policy accept;",
    "nat-output": "type nat hook output priority -100; policy accept;",
    "nat-postrouting": "type nat hook postrouting priority srcnat; policy accept;",
    "filter-input": "type filter hook input priority filter; policy accept;",
    "filter-forward": "type filter hook forward priority filter; policy accept;",
    "filter-output": "type filter hook output priority filter; policy accept;",
}


def _guard(families: Iterable[Family]) -> Iterator[str]:
    """Who is in none of the ranges of a load balancer is dropped."""
    for family in families:
        yield f"{family.frontend} . {family.saddr} @{family.name('source-ranges')} return"
        yield f"{family.frontend} @{family.name('guarded-services')} drop"


def _postrouting(families: Iterable[Family], pod_subnets: Iterable[str]) -> Iterator[str]:
    # The mark has done its work: kube-proxy takes it away too, so that nobody downstream takes it for his own.
    yield f"meta mark & {MARK} == {MARK} meta mark set meta mark & {OTHER_BITS} masquerade fully-random"
    for family in families:
        yield f"ct status dnat {family.saddr} . {family.daddr} @{family.name('hairpins')} masquerade fully-random"
    for subnet in pod_subnets:
        ip, ending = keyword(subnet), "6" if ":" in subnet else ""
        yield f"{ip} saddr {subnet} {ip} daddr != {subnet} {ip} daddr != @node-ips{ending} masquerade fully-random"


def keyword(subnet: str) -> str:
    """Return nft's word for the family of a subnet."""
    return "ip6" if ":" in subnet else "ip"
