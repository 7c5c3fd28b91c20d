"""Why the rules and elements for one Service are what they are: the field that made each, and a sentence. Pure.

    reasons = Reasons(cluster, assignments, service, "node-1")
    reasons.of("service-ips", Element("10.96.0.20 . tcp . 80", "goto service-2"))
        -> spec.ports[0].port: Packets to the ClusterIP 10.96.0.20, tcp port 80, are for default/web: on to service-2.

What is said stands in reason_rows.py; here is what the words in its braces mean. A rule that is the same whatever the Services
are needs no Service: `of_rule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from netlab.desired.assignments import Assignments
from netlab.desired.backends import Target
from netlab.desired.compile import alone
from netlab.desired.endpoints import all_slices
from netlab.desired.frontend import Frontend, owner
from netlab.desired.iptables_rules import chain_name, endpoint
from netlab.manifest.origin import OF_LAB
from netlab.model.lab import Cluster
from netlab.model.ranges import parse_range
from netlab.model.service import Service
from netlab.netstate.iptables import is_ours
from netlab.netstate.links import socket_text
from netlab.netstate.names import OUTSIDE
from netlab.netstate.nft import Element
from netlab.packets.reason_rows import ELEMENTS, IPTABLES_RULES, NFT_RULES, POLICY, RANGES, Row
from netlab.packets.stages import raw_stem

_PLACES: Final = {
    "ClusterIP": "the ClusterIP",
    "NodePort": "this Node's address",
    "ExternalIP": "the externalIP",
    "LoadBalancer": "the load balancer's address",
}
_OPTION: Final = re.compile(r"(?:^| )(-[sdpj]|--dport|--probability|--seconds|--to-destination) (\S+)")
_FACTS_OF: Final = {"-s": "source", "-p": "protocol", "--dport": "port", "-j": "goto", "--seconds": "seconds"}

Facts = dict[str, str]
ON_A_NODE: Final = {"here": "this Node", "target_field": "targetPort"}
AT_THE_BALANCER: Final = {"here": "the load balancer", "target_field": "nodePort"}


class Reason(NamedTuple):
    """Why something is there. `path` is a field of the Service, "" if none made it, or one of the lab behind `Lab `."""

    path: str
    text: str


def of_rule(chain: str, rule: str, facts: Mapping[str, str] | None = None) -> Reason | None:
    """Return why a rule is in a chain, as far as that can be said without `facts` of a Service; None if nobody knows."""
    known = {**ON_A_NODE, **(facts or {})}
    if is_iptables(chain):
        return _reason(IPTABLES_RULES, chain, rule, known)
    return _reason(NFT_RULES, raw_stem(chain), rule, {**_numbers(chain), **known})


def is_iptables(chain: str) -> bool:
    """Tell by its name whether a chain is one of iptables: theirs are written in capitals."""
    return is_ours(chain) or chain.isupper()


def _reason(rows: Iterable[Row], where: str, what: str, facts: Mapping[str, str]) -> Reason | None:
    for row in rows:
        if re.fullmatch(row.where, where) and re.search(row.what, what):
            try:
                return Reason(row.path.format_map(facts), row.text.format_map(facts))
            except KeyError:
                continue
    return None


def _numbers(name: str) -> Facts:
    """What the name of a chain or map says: for how many endpoints, and how long a client is remembered."""
    return dict(zip(("count", "seconds"), name.removeprefix(raw_stem(name)).split("-")[1:], strict=False))


class Reasons:
    """Why what one Service causes on a Node is there, or on the machine outside, which is its load balancer then."""

    def __init__(self, cluster: Cluster, assignments: Assignments, service: Service, node: str) -> None:
        one, found = alone(cluster, assignments, service, cluster.lab.spec.proxy_mode(node))
        self.service, self._is_balancer = service, node == OUTSIDE
        self._is_all = cluster.lab.spec.kube_proxy.masquerade_all
        self._frontends = {item.key: item for item in found.of(node)}
        self._ports = {(owner(service, port), port.protocol.lower()): n for n, port in enumerate(service.spec.ports)}
        self._ends = {
            (address, item.metadata.namespace): f"pod/{endpoint.target_ref.name}"
            for item in all_slices(one, assignments)
            if (item.metadata.namespace, item.service_name) == (service.metadata.namespace, service.metadata.name)
            for endpoint in item.endpoints
            if endpoint.target_ref
            for address in endpoint.addresses
        }
        if self._is_balancer:
            nodes = assignments.nodes.items()
            self._ends = {(ip, service.metadata.namespace): f"node/{name}" for name, given in nodes for ip in given.ips}
        self._chains = dict(self._chain_facts())

    def of(self, name: str, item: Element | str) -> Reason | None:
        """Return why an element is in the set or map, or a rule in the chain, of this name; None if nobody knows."""
        if isinstance(item, Element):
            facts = {**self._general, **_numbers(name), **self._element_facts(raw_stem(name), item)}
            return _reason(ELEMENTS, raw_stem(name), item.value, facts)
        facts = {**self._general, **(self._iptables_facts(name, item) if is_iptables(name) else {})}
        return of_rule(name, item, facts)

    def is_mine(self, name: str, item: Element | str) -> bool:
        """Tell whether an element or rule that the Service does not cause carries its name, or is about its addresses."""
        who = f"{self.service.metadata.namespace}/{self.service.metadata.name}"
        if isinstance(item, str):
            said = re.search(r'--comment "?(?:[a-zA-Z ]+ for )?([^" :]+)', item)
            return name in self._chains or (said is not None and said[1] == who)
        address, protocol, port = (*item.key.split(" . "), "", "")[:3]
        is_key = port.isdecimal() and (address, protocol, int(port)) in self._frontends
        return item.comment.partition(":")[0] == who or is_key

    @property
    def _general(self) -> Facts:
        meta = self.service.metadata
        because = "kubeProxy.masqueradeAll is set" if self._is_all else "the endpoint may be on another Node"
        if self._is_balancer:
            because = "the Node is to answer the load balancer"
        return {
            **(AT_THE_BALANCER if self._is_balancer else ON_A_NODE),
            "service": f"{meta.namespace}/{meta.name}",
            "selector": self._who_is_an_endpoint,
            "all_path": "spec.externalTrafficPolicy" if self.service.is_external else f"{OF_LAB}spec.kubeProxy.masqueradeAll",
            "why_all": because,
        }

    @property
    def _who_is_an_endpoint(self) -> str:
        """The field that says it: of a load balancer outside the endpoints are NodePorts."""
        spec = self.service.spec
        if self._is_balancer and spec.external_traffic_policy == "Local":
            return POLICY
        return "spec.selector" if spec.selector else ""

    def _element_facts(self, stem: str, item: Element) -> Facts:
        first, *rest = item.key.split(" . ")
        facts = {"address": first, "value": item.value, "goto": item.value.removeprefix("goto ")}
        if stem == "hairpins":
            return facts | {"target": self._pod(first)}
        if len(rest) < 2 or not rest[1].isdecimal():  # noqa: PLR2004 - protocol and port
            return facts
        protocol, port, *more = rest
        facts |= self._frontend_facts(self._frontends.get((first, protocol, int(port))), more)
        target = item.value.split(" . ")
        return facts | ({"target": self._target(Target(target[0], int(target[1])))} if target[1:] else {})

    def _frontend_facts(self, item: Frontend | None, more: Sequence[str] = ()) -> Facts:
        """What a frontend says; `more` is what follows its key: a range, a number that is drawn, a slot."""
        if item is None:
            return {}
        number = self._ports[item.owner, item.protocol]
        facts = {
            "i": str(number), "owner": item.owner, "protocol": item.protocol, "port": str(item.port), "address": item.address,
            "place": f"{_PLACES[item.kind]} {item.address}",
            "frontend_path": self._frontend_path(item, number),
            "policy_path": f"spec.{'internal' if item.kind == 'ClusterIP' else 'external'}TrafficPolicy",
        }  # fmt: skip
        if self._is_balancer and not self.service.has_node_port(self.service.spec.ports[number]):
            facts["selector"] = "spec.allocateLoadBalancerNodePorts"
        if more:
            facts |= {"number": more[0], "slot": more[0], "source": more[0], "range_path": self._range_path(more[0])}
        return facts

    def _frontend_path(self, item: Frontend, number: int) -> str:
        spec = self.service.spec
        match item.kind:
            case "NodePort":
                return f"spec.ports[{number}].nodePort"
            case "ExternalIP":
                return f"spec.externalIPs[{spec.external_ips.index(item.address)}]"
            case "LoadBalancer":
                return "spec.loadBalancerIP" if spec.load_balancer_ip == item.address else "spec.type"
            case "ClusterIP":
                return f"spec.ports[{number}].port"

    def _range_path(self, source: str) -> str:
        ranges = [str(parse_range(text)) for text in self.service.spec.load_balancer_source_ranges]
        whole = source if "/" in source else f"{source}/{128 if ':' in source else 32}"  # nft leaves it out of one address
        return f"{RANGES}[{ranges.index(whole)}]" if whole in ranges else RANGES

    def _target(self, target: Target) -> str:
        """Name an endpoint, with the Pod that it is."""
        pod = self._ends.get((target.ip, self.service.metadata.namespace))
        text = socket_text(target.ip, target.port)
        return f"{pod} ({text})" if pod else text

    def _pod(self, address: str) -> str:
        return self._ends.get((address, self.service.metadata.namespace), address)

    # iptables -----------------------------------------------------------------------------------------------------------

    def _chain_facts(self) -> Iterator[tuple[str, Facts]]:
        """Yield what is known of each chain that belongs to a Service port or an endpoint of it."""
        for item in self._frontends.values():
            facts = {"i": str(self._ports[item.owner, item.protocol]), "owner": item.owner}
            for kind in ("SVC", "SVL", "EXT", "FW"):
                yield chain_name(kind, item.owner, item.protocol), facts
            for target in {*item.targets, *item.shortcut}:
                name = chain_name("SEP", item.owner, item.protocol, endpoint(target))
                yield name, facts | {"target": self._target(target), "pod": self._pod(target.ip)}

    def _iptables_facts(self, chain: str, rule: str) -> Facts:
        options = dict(_OPTION.findall(re.sub(r'"[^"]*"', '""', rule)))
        facts = {_FACTS_OF[option]: text for option, text in options.items() if option in _FACTS_OF}
        facts |= self._frontend_facts(self._frontend_of(options))
        facts |= self._chains.get(chain, {}) | {
            key: text for key, text in self._chains.get(options.get("-j", ""), {}).items() if key == "target"
        }
        if "--probability" in options:
            facts["chance"] = f"{1 / float(options['--probability']):.0f}"
        if "-s" in options:
            facts["range_path"] = self._range_path(options["-s"])
        return facts

    def _frontend_of(self, options: Mapping[str, str]) -> Frontend | None:
        """Return the frontend that a rule is about: by its destination and port, or a NodePort by its port alone."""
        address, protocol, port = options.get("-d", "").partition("/")[0], options.get("-p", ""), options.get("--dport", "0")
        for item in self._frontends.values():
            same = (item.protocol, item.port) == (protocol, int(port))
            if same and (item.address == address or (not address and item.kind == "NodePort")):
                return item
        return None
