"""Frontends become one nftables table per Node: a constant number of rules, everything else is elements of maps and sets.

    packet for a ClusterIP, NodePort, externalIP or load balancer
      filter-prerouting ... where a load balancer has ranges of sources -> guard
      nat-prerouting ...... (nat-output for the Node's own) -> services
        service-ips         address . protocol . port -> goto a chain that picks (service_chains.py)
        endpoints-N         address . protocol . port . random number -> endpoint                  N = number of endpoints
        host-ports          address . protocol . port -> the one Pod that has this port of its Node (hostPort)
      nat-postrouting ..... marked, hairpin, or a Pod that leaves the cluster: masquerade
    what was not translated
      no-endpoint-services  refused, or dropped where a policy Local leaves nobody
      cluster-ips           any other port of a ClusterIP is refused; other addresses of the service subnet are dropped

One chain for each *number* of endpoints and none for a Service: adding a Service is adding elements, in time that does not
grow with the number of Services. A Node's addresses are known, so a NodePort is an address and a port like any other. IPv6 has
the same chains and maps with a 6 in their names. Rules are written as nft prints them, so that desired and observed compare as
text (nft 1.0.6 and newer).

Why `th dport` in the values of maps and not `tcp dport`: with the latter nft adds a match on TCP to the rule, and UDP is lost.
Why `type` and not `typeof` wherever nft allows it: plan/nft.py says.
Source: kube-proxy.md (kube-proxy's nftables mode, whose decisions these are); nft(8); DESIGN.md section 4.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from netlab.desired import affinity
from netlab.desired.frontend import Frontend, Frontends
from netlab.desired.host_ports import HostPort
from netlab.desired.packet_keys import Family, family_of
from netlab.desired.proxy_nodes import ProxyNode
from netlab.desired.service_chains import PodMatch, base_chains, pick_chains
from netlab.desired.service_elements import TARGETS, WAYS, Content, Part, element_set, part_of
from netlab.netstate.names import OUTSIDE
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.remembered import remembered_columns, remembered_portions, remembered_unions

# The sets that are there in each family whatever the Services are, and those of load balancers that ask who comes.
_ALWAYS = ("service-ips", "no-endpoint-services", "host-ports", "hairpins", "cluster-ips", "node-ips")
_GUARDS = ("guarded-services", "source-ranges")


def service_tables(
    frontends: Frontends,
    *,
    nodes: Sequence[ProxyNode],
    local_ips: Mapping[str, AbstractSet[str]],
    host_ports: Mapping[str, Sequence[HostPort]],
    pods: Mapping[str, Mapping[Family, PodMatch]],
    pod_subnets: Sequence[str],
    service_subnets: Sequence[str],
) -> dict[str, NftTable]:
    """Return the table of each Node by its name. What all Nodes have is made once, and shared.

    Args:
        frontends: every frontend of the lab.
        nodes: the Nodes; a Pod keeps its own address towards them.
        local_ips: the addresses of each Node and of its Pods, by the Node's name.
        host_ports: the ports that Pods have of their Nodes, by the Node's name.
        pods: how a Node's rules know the packets of Pods, by the Node's name.
        pod_subnets: CIDRs of all Pods, at most one in each family.
        service_subnets: CIDRs of all ClusterIPs, likewise.
    """
    every = (*frontends.everywhere, *(item for mine in frontends.own.values() for item in mine))
    families = tuple(dict.fromkeys(map(family_of, (*pod_subnets, *service_subnets))))
    is_guarded = any(_guarded(every))
    chains = tuple(base_chains(families, pod_subnets, service_subnets, is_guarded=is_guarded))
    parts = _contents(every, _affinity_numbers(every))
    everywhere, rest = parts[: len(frontends.everywhere)], iter(parts[len(frontends.everywhere) :])
    always = Content()
    for family in families:
        for stem in _ALWAYS + (_GUARDS if is_guarded else ()):
            always.ensure(family, stem)
    for ip in (ip for node in nodes for ip in node.ips):
        always.put(family_of(ip), "node-ips", ip)
    shared = dict(_together((always.part, *everywhere)))
    picks, targets = shared.pop(WAYS), shared.pop(TARGETS)
    shared_sets = {name: element_set(name, kind, elements) for (name, kind), elements in shared.items()}
    own_parts = {name: [next(rest) for _ in mine] for name, mine in frontends.own.items()}
    found = {}
    for name in (node.place.node for node in nodes):
        own = _own(own_parts.get(name, ()), host_ports.get(name, ()), local_ips[name], targets)
        found[name] = _table(shared_sets, own.sets(), (*chains, *pick_chains(picks | own.picks, pods[name])))
    _forget_others(found.values())
    return found


def _own(parts: Iterable[Part], ports: Iterable[HostPort], local_ips: AbstractSet[str], targets: AbstractSet[str]) -> Content:
    """What only one Node has; `targets` are the endpoints of what all Nodes have."""
    own = Content()
    for part in parts:
        own.take(part)
    for one in ports:
        own.add_host_port(one)
    for ip in local_ips & targets | local_ips & own.targets:
        own.hairpin(ip)
    return own


def balancer_table(frontends: Frontends, families: Sequence[Family]) -> NftTable:
    """Return the table of the load balancer outside: like a Node's, but that it has neither Pods nor ClusterIPs."""
    numbers = affinity.affinity_ids(frontends.all)  # the same names and so the same numbers as on Nodes
    is_guarded = any(item.sources for item in frontends.balancer)
    content = Content()
    for family in families:
        for stem in ("service-ips", "no-endpoint-services", *(_GUARDS if is_guarded else ())):
            content.ensure(family, stem)
    for item in frontends.balancer:
        content.take(part_of(item, numbers[item.owner, item.protocol] if item.affinity_s else 0))
    picks = pick_chains(content.picks, dict.fromkeys(families, PodMatch("", "")))
    chains = frozenset((*base_chains(families, (), (), is_guarded=is_guarded), *picks))
    return NftTable(sets=frozenset(content.sets().values()), chains=chains)


def _table(shared: Mapping[str, ElementSet], own: Mapping[str, ElementSet], chains: Iterable[Chain]) -> NftTable:
    """The table of a Node out of the sets that all have and those that only it has."""
    sets = dict(shared)
    for name, item in own.items():
        sets[name] = _as_before(replace(item, elements=item.elements | sets[name].elements) if name in sets else item)
    return NftTable(sets=frozenset(sets.values()), chains=frozenset(chains))


def _as_before(item: ElementSet) -> ElementSet:
    """The set with the same elements as the same object: whoever compares it with the one before has no work."""
    return replace(item, elements=_known.setdefault(item.elements, item.elements))


_known: dict[frozenset[Element], frozenset[Element]] = {}
"""The elements of the last tables that were made."""


def _forget_others(tables: Iterable[NftTable]) -> None:
    used = {id(item.elements) for table in tables for item in table.sets}
    for elements in tuple(_known):  # another thread may forget likewise
        if id(elements) not in used:
            _known.pop(elements, None)


@remembered_portions
def _guarded(frontends: Sequence[Frontend]) -> bool:
    """Tell whether a load balancer is among these that asks who comes."""
    return any(item.sources for item in frontends)


@remembered_portions
def _affine(frontends: Sequence[Frontend]) -> tuple[Frontend, ...]:
    """Those of these that remember their clients."""
    return tuple(item for item in frontends if item.affinity_s)


def _affinity_numbers(frontends: Sequence[Frontend]) -> Sequence[int]:
    """The number of each frontend's Service port if that has session affinity, else 0."""
    numbers = affinity.affinity_ids(itertools.chain.from_iterable(_affine(frontends)))
    if not numbers:
        return (0,) * len(frontends)
    return [numbers[item.owner, item.protocol] if item.affinity_s else 0 for item in frontends]


_contents = remembered_columns(part_of)
_together = remembered_unions()


def udp_endpoints(
    frontends: Frontends, ports: Mapping[str, Iterable[HostPort]]
) -> dict[str, dict[tuple[str, int], frozenset[str]]]:
    """Return, for each machine, each UDP (address, port) with who may answer it: all other flows to it are stale.

    Whatever still serves counts, whoever the policies and hints would send there: a flow that is answered is not cut.
    `ports` are those that Pods have of their Nodes, by the Node's name.
    """
    everywhere = _serving(itertools.chain.from_iterable(_udp(frontends.everywhere)))
    return {
        node: {(one.address, one.port): frozenset({one.target}) for one in mine if one.protocol == "udp"}
        | everywhere
        | _serving(frontends.own.get(node, ()))
        for node, mine in ports.items()
    } | {OUTSIDE: _serving(frontends.balancer)}


@remembered_portions
def _udp(frontends: Sequence[Frontend]) -> tuple[Frontend, ...]:
    return tuple(item for item in frontends if item.protocol == "udp")


def _serving(frontends: Iterable[Frontend]) -> dict[tuple[str, int], frozenset[str]]:
    return {(item.address, item.port): item.serving for item in frontends if item.protocol == "udp"}
