"""Services become one nftables table per Node: a constant number of rules, everything else is elements of maps and sets.

    packet for a ClusterIP or NodePort
      nat-prerouting (nat-output for the Node's own) -> services
        service-ips   address . protocol . port -> goto pick-N       N = number of endpoints
        node-ports    protocol . port           -> goto node-pick-N  (only on the Node's own address)
      pick-N          mark if the client is no Pod, then DNAT to a random entry of the map endpoints-N
      node-pick-N     mark always, then DNAT to a random entry of node-endpoints-N
      nat-postrouting marked, hairpin, or a Pod that leaves the cluster: masquerade
      host-ports      address . protocol . port -> DNAT to the one Pod that has this port of its Node (hostPort)
    what was not translated
      filter-forward, filter-output: an address of a Service is refused at once (wrong port, or no endpoints);
      any other address of the service subnet is dropped; filter-input: a NodePort without endpoints is refused.

One chain per *number* of endpoints and none per Service: adding a Service is adding elements, in time that does not grow with
the number of Services. The table is the same on all Nodes but for the Node's own address. Rules are written as nft prints
them, so that desired and observed compare as text (nft 1.0.6 and newer).

Why `th dport` in the values of maps and not `tcp dport`: with the latter nft adds a match on TCP to the rule, and UDP is lost.
Source: kube-proxy.md (kube-proxy's nftables mode, whose decisions these are); nft(8); DESIGN.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import Target, effective_endpoints
from netlab.desired.host_ports import HostPort
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.service import EndpointSlice, Service, ServicePort
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable

MARK = "0x00004000"
OTHER_BITS = "0xffffbfff"
COMMENT_MAX = 128

SERVICE_KEY = "ip daddr . meta l4proto . th dport"
NODE_PORT_KEY = "meta l4proto . th dport"
MARK_FOR_MASQUERADE = f"meta mark set meta mark | {MARK}"

# Where the kernel calls us: chain, declaration of its hook, rules. `services` and `leftovers` are called from several.
BASE_CHAINS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("nat-prerouting", "type nat hook prerouting priority dstnat; policy accept;", ("jump services",)),
    ("nat-output", "type nat hook output priority -100; policy accept;", ("jump services",)),
    (
        "filter-input",
        "type filter hook input priority filter; policy accept;",
        (f"ct state new ip daddr @nodeport-ips {NODE_PORT_KEY} @no-endpoint-nodeports reject with icmp port-unreachable",),
    ),
    ("filter-forward", "type filter hook forward priority filter; policy accept;", ("ct state new jump leftovers",)),
    ("filter-output", "type filter hook output priority filter; policy accept;", ("ct state new jump leftovers",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One Service port with what is behind it: the address it is reached at, its NodePort (0: none), its endpoints."""

    owner: str
    address: str
    protocol: str
    port: int
    node_port: int
    targets: tuple[Target, ...]


def service_entries(cluster: Cluster, slices: Iterable[EndpointSlice], assignments: Assignments) -> tuple[Entry, ...]:
    """Return every port of every Service that has a virtual IP, in the order of the Services."""
    by_service: dict[tuple[str, str], list[EndpointSlice]] = {}
    for item in slices:
        by_service.setdefault((item.metadata.namespace, item.service_name), []).append(item)
    return tuple(
        entry
        for service in cluster.services
        if service.has_cluster_ip
        for entry in _entries(service, by_service.get((service.metadata.namespace, service.metadata.name), []), assignments)
    )


def _entries(service: Service, slices: list[EndpointSlice], assignments: Assignments) -> Iterator[Entry]:
    for address in assignments.cluster_ips.get(service.key, ())[:1]:
        for port in service.spec.ports:
            yield Entry(
                owner=owner(service, port),
                address=address,
                protocol=port.protocol.lower(),
                port=port.port,
                node_port=assignments.node_ports.get((service.key, port.protocol, port.port), 0),
                targets=effective_endpoints(slices, port),
            )


def owner(service: Service, port: ServicePort) -> str:
    """Return the comment of an element: `default/web:http`, what it is there for."""
    name = f"{service.metadata.namespace}/{service.metadata.name}"
    return f"{name}:{port.name}"[:COMMENT_MAX] if port.name else name[:COMMENT_MAX]


def service_tables(
    entries: Iterable[Entry],
    *,
    node_ips: Mapping[str, str],
    host_ports: Mapping[str, Sequence[HostPort]],
    pod_subnet: str,
    service_subnet: str,
) -> dict[str, NftTable]:
    """Return the table of each Node by its name. All but its own address and ports is made once, and shared.

    Args:
        entries: every Service port of the lab.
        node_ips: the addresses of the Nodes by name; NodePorts are open at them, and a Pod keeps its own address towards them.
        host_ports: the ports that Pods have of their Nodes, by the Node's name.
        pod_subnet: CIDR of all Pods.
        service_subnet: CIDR of all ClusterIPs.
    """
    every = tuple(entries)
    maps = _verdict_maps(every) | _endpoint_maps(every)
    targets = {target.ip for entry in every for target in entry.targets}
    targets |= {port.target for ports in host_ports.values() for port in ports}
    sets = [
        _set("hairpins", "typeof ip saddr . ip daddr", _hairpins(targets)),
        _set("cluster-ips", "type ipv4_addr", {Element(key=entry.address, comment=_service_of(entry)) for entry in every}),
        _set("node-ips", "type ipv4_addr", {Element(key=ip) for ip in node_ips.values()}),
        _set(
            "no-endpoint-nodeports",
            "type inet_proto . inet_service",
            {
                Element(key=f"{entry.protocol} . {entry.node_port}", comment=entry.owner)
                for entry in every
                if entry.node_port and not entry.targets
            },
        ),
    ]
    chains = [Chain(name=name, hook=hook, rules=rules) for name, hook, rules in BASE_CHAINS]
    chains += [_postrouting(pod_subnet), *_shared_chains(service_subnet), *_pick_chains(every, pod_subnet)]
    shared = frozenset((*maps.values(), *sets))
    return {
        name: NftTable(
            sets=shared | _own_sets(ip, host_ports.get(name, ())),
            chains=frozenset(chains),
        )
        for name, ip in node_ips.items()
    }


def _service_of(entry: Entry) -> str:
    return entry.owner.partition(":")[0]


def _set(name: str, key_type: str, elements: Iterable[Element]) -> ElementSet:
    return ElementSet(name=name, key_type=key_type, elements=frozenset(elements))


def _own_sets(node_ip: str, ports: Iterable[HostPort]) -> set[ElementSet]:
    """What each Node has of its own: its address, and the ports of it that lead to Pods."""
    kind = f"typeof {SERVICE_KEY} : ip daddr . th dport"
    found = ((f"{one.address} . {one.protocol} . {one.port}", one) for one in ports)
    leading = frozenset(Element(key=key, value=f"{one.target} . {one.target_port}", comment=one.owner) for key, one in found)
    return {
        _set("nodeport-ips", "type ipv4_addr", {Element(key=node_ip)}),
        ElementSet(name="host-ports", key_type=kind, is_map=True, elements=leading),
    }


def _hairpins(ips: Iterable[str]) -> set[Element]:
    """Every endpoint with itself: a Pod that reaches itself through a translation must see the Node as its client."""
    return {Element(key=f"{ip} . {ip}") for ip in ips}


def _verdict_maps(entries: Iterable[Entry]) -> dict[str, ElementSet]:
    """The two maps a packet meets first. A port without endpoints is in neither: it stays untranslated, and is refused."""
    ips, ports = set(), set()
    for entry in entries:
        if entry.targets:
            count = len(entry.targets)
            ips.add(
                Element(
                    key=f"{entry.address} . {entry.protocol} . {entry.port}", value=f"goto pick-{count}", comment=entry.owner
                )
            )
            if entry.node_port:
                key = f"{entry.protocol} . {entry.node_port}"
                ports.add(Element(key=key, value=f"goto node-pick-{count}", comment=entry.owner))
    types = {"service-ips": ("type ipv4_addr . inet_proto . inet_service : verdict", ips)}
    types["node-ports"] = ("type inet_proto . inet_service : verdict", ports)
    return {
        name: ElementSet(name=name, key_type=kind, is_map=True, elements=frozenset(found))
        for name, (kind, found) in types.items()
    }


def _endpoint_maps(entries: Iterable[Entry]) -> dict[str, ElementSet]:
    """For each number of endpoints: the map from a Service port and a drawn number to an endpoint; the same for NodePorts."""
    found: dict[str, tuple[str, set[Element]]] = {}
    for entry in entries:
        count = len(entry.targets)
        keys = {f"endpoints-{count}": (SERVICE_KEY, f"{entry.address} . {entry.protocol} . {entry.port}")}
        if entry.node_port:
            keys[f"node-endpoints-{count}"] = (NODE_PORT_KEY, f"{entry.protocol} . {entry.node_port}")
        for name, (kind, key) in keys.items() if count else ():
            declared = f"typeof {kind} . numgen random mod {count} : ip daddr . th dport"
            found.setdefault(name, (declared, set()))[1].update(
                Element(key=f"{key} . {number}", value=f"{target.ip} . {target.port}", comment=entry.owner)
                for number, target in enumerate(entry.targets)
            )
    return {
        name: ElementSet(name=name, key_type=kind, is_map=True, elements=frozenset(elements))
        for name, (kind, elements) in found.items()
    }


def _pick_chains(entries: Iterable[Entry], pod_subnet: str) -> Iterator[Chain]:
    counts = {len(entry.targets) for entry in entries if entry.targets}
    node_counts = {len(entry.targets) for entry in entries if entry.targets and entry.node_port}
    for count in counts:
        dnat = f"dnat ip to {SERVICE_KEY} . numgen random mod {count} map @endpoints-{count}"
        yield Chain(name=f"pick-{count}", rules=(f"ip saddr != {pod_subnet} {MARK_FOR_MASQUERADE}", dnat))
    for count in node_counts:
        dnat = f"dnat ip to {NODE_PORT_KEY} . numgen random mod {count} map @node-endpoints-{count}"
        yield Chain(name=f"node-pick-{count}", rules=(MARK_FOR_MASQUERADE, dnat))


def _shared_chains(service_subnet: str) -> tuple[Chain, ...]:
    services = (
        f"{SERVICE_KEY} vmap @service-ips",
        f"ip daddr @nodeport-ips {NODE_PORT_KEY} vmap @node-ports",
        f"dnat ip to {SERVICE_KEY} map @host-ports",
    )
    leftovers = ("ip daddr @cluster-ips reject with icmp port-unreachable", f"ip daddr {service_subnet} drop")
    return Chain(name="services", rules=services), Chain(name="leftovers", rules=leftovers)


def _postrouting(pod_subnet: str) -> Chain:
    return Chain(
        name="nat-postrouting",
        hook="type nat hook postrouting priority srcnat; policy accept;",
        rules=(
            # The mark has done its work: kube-proxy takes it away too, so that nobody downstream takes it for his own.
            f"meta mark & {MARK} == {MARK} meta mark set meta mark & {OTHER_BITS} masquerade fully-random",
            "ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random",
            f"ip saddr {pod_subnet} ip daddr != {pod_subnet} ip daddr != @node-ips masquerade fully-random",
        ),
    )


def udp_endpoints(
    entries: Iterable[Entry], node_ip: str, ports: Iterable[HostPort] = ()
) -> Mapping[tuple[str, int], frozenset[str]]:
    """Return, for one Node, each UDP (address, port) with the addresses that may answer it: all other flows to it are stale."""
    found = {(one.address, one.port): frozenset({one.target}) for one in ports if one.protocol == "udp"}
    for entry in entries:
        if entry.protocol == "udp":
            serving = frozenset(target.ip for target in entry.targets)
            found[entry.address, entry.port] = serving
            if entry.node_port:
                found[node_ip, entry.node_port] = serving
    return found
