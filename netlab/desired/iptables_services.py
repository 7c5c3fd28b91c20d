"""One Service port as chains and rules of iptables, exactly kube-proxy's. Pure.

    KUBE-SERVICES     ClusterIP ......................... -> KUBE-SVC (policy Cluster) or KUBE-SVL (policy Local)
                      externalIP, load balancer ......... -> KUBE-EXT, or KUBE-FW where it has ranges of sources
    KUBE-NODEPORTS    NodePort .......................... -> KUBE-EXT
    KUBE-FW           from its ranges ................... -> KUBE-EXT; KUBE-PROXY-FIREWALL drops what came to nothing
    KUBE-EXT          policy Cluster: mark all .......... -> KUBE-SVC
                      policy Local: Pods, and marked the Node itself -> KUBE-SVC; others -> KUBE-SVL
    KUBE-SVC, KUBE-SVL  a remembered client's endpoint, else one in N -> KUBE-SEP
    KUBE-SEP          mark who reaches itself, remember, DNAT
    in `filter`       KUBE-SERVICES and KUBE-EXTERNAL-SERVICES refuse or drop what has nobody to go to

Source: kube-proxy iptables/proxier.go (syncProxyRules, writeServiceToEndpointRules) and its golden tests.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from netlab.desired.backends import Target
from netlab.desired.frontend import Frontend
from netlab.desired.iptables_rules import (
    FROM_LOCAL,
    IS_LOCAL,
    MARK_MASQ,
    REJECT,
    chain_name,
    comment,
    dnat,
    dport,
    draw,
    endpoint,
    remember,
    remembered,
    rule,
)
from netlab.netstate.iptables import Family
from netlab.remembered import remembered_each

Line = tuple[str, str, str]
"""A rule: its table, its chain, its text."""

_CAPTIONS = {"ClusterIP": "cluster IP", "ExternalIP": "external IP", "LoadBalancer": "loadbalancer IP"}


class PodSource(NamedTuple):
    """How rules know a Pod's packets: by their source or by the interface they come through; both "" if they cannot."""

    src: str = ""
    dev: str = ""

    def __bool__(self) -> bool:
        return bool(self.src or self.dev)

    def negated(self) -> PodSource:
        """Return how everybody else's packets are known."""
        return PodSource(*(f"! {part}" if part else "" for part in self))


class Setting(NamedTuple):
    """What holds for all Services of a Node. `is_large`: so many endpoints that comments on them are left out."""

    family: Family
    pods: PodSource
    is_large: bool


@functools.lru_cache(maxsize=16)
def setting(family: Family, pods: PodSource, *, is_large: bool) -> Setting:
    """Return the same object for the same values: what was made of it is known by it."""
    return Setting(family, pods, is_large)


def rules_of_services(ports: Iterable[Sequence[Frontend]], same: Setting) -> Iterator[Line]:
    """Yield all rules of Service ports of one family on a Node, each by its frontends. Those of the time before are known."""
    for lines in _rules_of_each((port[0], same, *port[1:]) for port in ports):
        yield from lines


@remembered_each
def _rules_of_each(first: Frontend, same: Setting, *others: Frontend) -> tuple[Line, ...]:
    return tuple(service_rules((first, *others), same))


def service_rules(port: Sequence[Frontend], setting: Setting) -> Iterator[Line]:
    """Yield all rules of one Service port in one family, `port` being its frontends on a Node, in the order of a packet."""
    made = _ServicePort(port, setting)
    for item in port:
        if item.kind != "NodePort" or item is made.node_port:  # one rule for all addresses of the Node
            yield from made.entrance(item)
    if made.is_served:
        yield from made.chains()


class _ServicePort:
    """A Service port and the chains it has."""

    def __init__(self, port: Sequence[Frontend], setting: Setting) -> None:
        first = port[0]
        self.owner, self.protocol, self.affinity_s = first.owner, first.protocol, first.affinity_s
        self.setting = setting
        self.inner = tuple(item for item in port if item.kind == "ClusterIP")
        self.outer = tuple(item for item in port if item.kind != "ClusterIP")
        self.node_port = next((item for item in port if item.kind == "NodePort"), None)
        self.is_served = any(item.targets or item.shortcut or item.otherwise == "drop" for item in port)
        self.svc, self.svl, self.ext, self.fw = (
            chain_name(kind, self.owner, self.protocol) for kind in ("SVC", "SVL", "EXT", "FW")
        )
        self.cluster = next(
            (found for item in port if (found := item.shortcut or (item.policy == "Cluster" and item.targets))), ()
        )
        self.local = next((item.targets for item in port if item.policy == "Local" and item.targets), ())

    def entrance(self, item: Frontend) -> Iterator[Line]:
        """Yield the rules by which packets come to a frontend's chains, or are turned away."""
        is_port = item.kind == "NodePort"
        here = dport(self.protocol, item.port)
        dst = "" if is_port else item.address
        said = comment(self.owner if is_port else f"{self.owner} {_CAPTIONS[item.kind]}")
        if self.is_served and (item.targets or item.kind != "ClusterIP"):
            to = self._policy_chain(item) if item.kind == "ClusterIP" else self.fw if item.sources else self.ext
            entry = "KUBE-NODEPORTS" if is_port else "KUBE-SERVICES"
            yield "nat", entry, rule(said, here, dst=dst, protocol=self.protocol, to=to)
        if item.sources and self.is_served:
            why = comment(f"{self.owner} traffic not accepted by {self.fw}")
            yield "filter", "KUBE-PROXY-FIREWALL", rule(why, here, dst=dst, protocol=self.protocol, to="DROP")
        if not item.targets:
            why = comment(f"{self.owner} has no {'local ' if self.is_served else ''}endpoints")
            to = "DROP" if self.is_served else REJECT[self.setting.family]
            entry = "KUBE-SERVICES" if item.kind == "ClusterIP" else "KUBE-EXTERNAL-SERVICES"
            matches = (why, IS_LOCAL, here) if is_port else (why, here)
            yield "filter", entry, rule(*matches, dst=dst, protocol=self.protocol, to=to)

    def chains(self) -> Iterator[Line]:
        """Yield the rules of the Service port's own chains."""
        guarded = next((item for item in self.outer if item.sources), None)
        if guarded:
            yield from self._firewall(guarded)
        if self.outer:
            yield from self._external(self.outer[0])
        for chain, policy, targets in ((self.svc, "Cluster", self.cluster), (self.svl, "Local", self.local)):
            for item in self.inner:
                if item.policy == policy and item.targets:
                    yield from self._mark_strangers(item, chain)
            yield from self._choice(chain, targets)
        for target in sorted({*self.cluster, *self.local}):
            yield from self._endpoint(target)

    def _policy_chain(self, item: Frontend) -> str:
        return self.svl if item.policy == "Local" else self.svc

    def _firewall(self, item: Frontend) -> Iterator[Line]:
        said = comment(f"{self.owner} loadbalancer IP")
        for source in item.sources:
            yield "nat", self.fw, rule(said, src=source, to=self.ext)
        yield "nat", self.fw, rule(comment(f"other traffic to {self.owner} will be dropped by KUBE-PROXY-FIREWALL"))

    def _external(self, item: Frontend) -> Iterator[Line]:
        """From outside: who keeps its source, and who is spared the policy."""
        to = f"{self.owner} external destinations"
        if item.policy == "Cluster":
            yield "nat", self.ext, rule(comment(f"masquerade traffic for {to}"), to=MARK_MASQ)
        else:
            pods = self.setting.pods
            if pods:
                yield "nat", self.ext, rule(comment(f"pod traffic for {to}"), src=pods.src, dev=pods.dev, to=self.svc)
            yield "nat", self.ext, rule(comment(f"masquerade LOCAL traffic for {to}"), FROM_LOCAL, to=MARK_MASQ)
            yield "nat", self.ext, rule(comment(f"route LOCAL traffic for {to}"), FROM_LOCAL, to=self.svc)
        if item.targets:
            yield "nat", self.ext, rule(to=self._policy_chain(item))

    def _mark_strangers(self, item: Frontend, chain: str) -> Iterator[Line]:
        """On the way to a ClusterIP: whoever is no Pod is masqueraded, or everybody, or nobody."""
        pods = self.setting.pods.negated()
        if item.masquerade == "never" or (item.masquerade == "off-cluster" and not pods):
            return
        source = pods if item.masquerade == "off-cluster" else PodSource()
        said, here = comment(f"{self.owner} cluster IP"), dport(self.protocol, item.port)
        text = rule(said, here, src=source.src, dst=item.address, dev=source.dev, protocol=self.protocol, to=MARK_MASQ)
        yield "nat", chain, text

    def _choice(self, chain: str, targets: Sequence[Target]) -> Iterator[Line]:
        ways = [(self._chain_of(target), self._said(f"{self.owner} -> {endpoint(target)}")) for target in targets]
        for leads_to, said in ways if self.affinity_s else ():
            yield "nat", chain, rule(said, remembered(leads_to, self.affinity_s, self.setting.family), to=leads_to)
        for number, (leads_to, said) in enumerate(ways):
            left = len(ways) - number
            yield "nat", chain, rule(said, draw(left) if left > 1 else "", to=leads_to)

    def _endpoint(self, target: Target) -> Iterator[Line]:
        chain, said = self._chain_of(target), self._said(self.owner)
        yield "nat", chain, rule(said, src=target.ip, to=MARK_MASQ)
        memory = remember(chain, self.setting.family) if self.affinity_s else ""
        yield "nat", chain, rule(said, memory, f"-m {self.protocol}", protocol=self.protocol, to=dnat(target))

    def _chain_of(self, target: Target) -> str:
        return chain_name("SEP", self.owner, self.protocol, endpoint(target))

    def _said(self, text: str) -> str:
        return "" if self.setting.is_large else comment(text)
