"""Small labs as NetStates, and hypothesis' random ones: machines on a fabric, Pods behind them, Service tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hypothesis import strategies as st

from netlab.desired.backends import Place, Target
from netlab.desired.frontend import Frontend, Frontends
from netlab.desired.packet_keys import IPV4
from netlab.desired.proxy_nodes import ProxyNode
from netlab.desired.service_chains import PodMatch
from netlab.desired.services import service_tables
from netlab.netstate.iptables import IptablesChain, IptablesRules, IptablesTable
from netlab.netstate.links import Address, Bridge, FdbEntry, Neighbour, Route, Sysctl, Veth, Vxlan
from netlab.netstate.names import IfName, link_local, mac_address, machine_netns, pod_netns, veth_name
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.netstate.state import Namespace, NetState

MARK = "netlab 0000-test"
LAB = "t"
NODES = ("node-1", "node-2", "node-3")
PODS = ("web", "db", "cache")
FORWARD = Sysctl(key="net.ipv4.ip_forward", value="1")
LOW_PORTS = Sysctl(key="net.ipv4.ip_unprivileged_port_start", value="0")
DEFAULT_MTU = 1500


def cable(switch, port, bridge, far, *, mtu=DEFAULT_MTU, salt=""):
    """The two ends of a veth pair: a port of `bridge` in `switch`, and `eth0` in `far`."""
    near_mac, far_mac = mac_address(switch, port, salt), mac_address(far, port, salt)
    near = Veth(name=port, mac=near_mac, mtu=mtu, peer_netns=far, peer_name="eth0", peer_mac=far_mac, master=bridge, alias=MARK)
    end = Veth(name="eth0", mac=far_mac, mtu=mtu, peer_netns=switch, peer_name=port, peer_mac=near_mac, alias=MARK)
    return near, end


def tunnel(place, vni=1):
    """A Node's end of the tunnel, by the Node's place."""
    return Vxlan(
        name="vxlan.1",
        mac=f"02:00:00:00:fe:{place:02x}",
        mtu=1400,
        vni=vni,
        port=8472,
        local=f"172.18.0.{place + 1}",
        alias=MARK,
    )


def bridge(netns, name, mtu=DEFAULT_MTU):
    return Bridge(name=IfName(name), mac=mac_address(netns, name), mtu=mtu, alias=MARK)


def lab(
    pods: Mapping[str, str] | None = None,
    *,
    nodes: Iterable[str] = NODES[:2],
    mtu: Mapping[str, int] | None = None,
    tables: Mapping[str, NftTable] | None = None,
    iptables: Mapping[str, IptablesRules] | None = None,
    salt: str = "",
    hosts: Mapping[str, int] | None = None,
    ipv6: bool = False,
    vxlan: bool = False,
) -> NetState:
    """A lab of `nodes` on a fabric; `pods` tells the Node of each Pod, `mtu` of single Nodes and Pods, `hosts` Pod addresses.

    With `ipv6` Nodes and Pods have addresses of both families. With `vxlan` Pods of other Nodes are reached by a tunnel.
    """
    pods, mtu, tables, hosts = pods or {}, mtu or {}, tables or {}, hosts or {}
    nodes = tuple(nodes)
    fabric = machine_netns(LAB, "fabric")
    places = {name: NODES.index(name) + 1 for name in nodes}
    cables = {name: cable(fabric, name, "fabric0", machine_netns(LAB, name), mtu=mtu.get(name, DEFAULT_MTU)) for name in nodes}
    spaces = [Namespace(name=fabric, links=frozenset({bridge(fabric, "fabric0"), *(near for near, _ in cables.values())}))]
    for name, place in places.items():
        netns = machine_netns(LAB, name)
        links = {bridge(netns, "cni0"), cables[name][1]}
        for pod, node in pods.items():
            if node == name:
                near, end = cable(
                    netns,
                    veth_name(pod, salt),
                    "cni0",
                    pod_netns(LAB, "default", pod),
                    mtu=mtu.get(pod, DEFAULT_MTU),
                    salt=salt,
                )
                links.add(near)
                spaces.append(pod_space(pod, place, end, hosts.get(pod, PODS.index(pod) + 2), ipv6=ipv6))
        others = [other for other in places.values() if other != place]
        routes = {Route(destination=f"10.244.{other}.0/24", dev="eth0", via=f"172.18.0.{other + 1}") for other in others}
        entries = set()
        addresses = {
            Address(dev="eth0", address=f"172.18.0.{place + 1}/16"),
            Address(dev="cni0", address=f"10.244.{place}.1/24"),
        }
        if ipv6:
            routes |= {
                Route(destination=f"fd00:10:244:{other}::/64", dev="eth0", via=f"fd00:18::{other + 1}") for other in others
            }
            addresses |= {
                Address(dev="eth0", address=f"fd00:18::{place + 1}/64", nodad=True),
                Address(dev="cni0", address=f"fd00:10:244:{place}::1/64", nodad=True),
                Address(dev="cni0", address="fe80::1/64", nodad=True),
            }
        if vxlan:
            links |= {tunnel(place)}
            routes = {
                Route(destination=f"10.244.{other}.0/24", dev="vxlan.1", via=f"10.244.{other}.0", onlink=True)
                for other in others
            }
            entries |= {Neighbour(dev="vxlan.1", address=f"10.244.{other}.0", mac=tunnel(other).mac) for other in others}
            entries |= {FdbEntry(dev="vxlan.1", mac=tunnel(other).mac, dst=f"172.18.0.{other + 1}") for other in others}
            if ipv6:
                ways = {other: link_local(tunnel(other).mac) for other in others}
                routes |= {Route(destination=f"fd00:10:244:{other}::/64", dev="vxlan.1", via=ways[other]) for other in others}
                entries |= {Neighbour(dev="vxlan.1", address=ways[other], mac=tunnel(other).mac) for other in others}
        spaces.append(
            Namespace(
                name=netns,
                links=frozenset(links),
                addresses=frozenset(addresses),
                entries=frozenset(entries),
                routes=frozenset(routes),
                sysctls=frozenset({FORWARD}),
                table=tables.get(name),
                iptables=frozenset({iptables[name]}) if iptables and name in iptables else frozenset(),
            )
        )
    return NetState(namespaces=frozenset(spaces))


def many_pods(count: int) -> NetState:
    """One Node with `count` Pods."""
    node = machine_netns(LAB, "node-1")
    names = [f"p{number}" for number in range(count)]
    cables = {name: cable(node, veth_name(name), "cni0", pod_netns(LAB, "default", name)) for name in names}
    spaces = [pod_space(name, 1, cables[name][1], number + 2) for number, name in enumerate(names)]
    links = frozenset({bridge(node, "cni0"), *(near for near, _ in cables.values())})
    gateway = frozenset({Address(dev="cni0", address="10.244.1.1/24")})
    return NetState(namespaces=frozenset({Namespace(name=node, links=links, addresses=gateway), *spaces}))


def pod_space(pod, place, end, host, *, ipv6=False):
    addresses = [(f"10.244.{place}.1", f"10.244.{place}.{host}/24")]
    addresses += [(f"fd00:10:244:{place}::1", f"fd00:10:244:{place}::{host}/64")] if ipv6 else []
    return Namespace(
        name=pod_netns(LAB, "default", pod),
        links=frozenset({end}),
        addresses=frozenset(
            Address(dev="eth0", address=address, noprefixroute=True, nodad=":" in address) for _, address in addresses
        ),
        routes=frozenset(
            route
            for gateway, _ in addresses
            for route in (Route(destination=gateway, dev="eth0"), Route(destination="default", dev="eth0", via=gateway))
        ),
        sysctls=frozenset({LOW_PORTS}),
    )


def entry(number: int, endpoints: Iterable[str] = (), **more) -> Frontend:
    """A Service port at 10.96.0.<number>:80; `more` is what Frontend has."""
    given = {
        "owner": f"default/s{number}:http", "kind": "ClusterIP", "address": f"10.96.0.{number}", "protocol": "tcp", "port": 80,
        "targets": tuple(Target(ip, 8080) for ip in endpoints), "masquerade": "off-cluster",
    }  # fmt: skip
    return Frontend(**given | more)


def node_port(number: int, port: int, endpoints: Iterable[str] = (), *, node_ip: str = "172.18.0.2", **more) -> Frontend:
    """The same at a port of the Node."""
    return entry(number, endpoints, kind="NodePort", address=node_ip, port=port, masquerade="always", **more)


def table(*entries: Frontend, node_ip: str = "172.18.0.2") -> NftTable:
    """The table of a Node with these Service ports."""
    addresses = {"node-1": node_ip, "node-2": "172.18.0.3" if node_ip == "172.18.0.2" else "172.18.0.2"}
    pods = {IPV4: PodMatch("ip saddr 10.244.0.0/16", "ip saddr != 10.244.0.0/16")}
    return service_tables(
        Frontends(entries, {}),
        nodes=[ProxyNode(Place(name), (ip,), (ip,)) for name, ip in addresses.items()],
        local_ips=dict.fromkeys(addresses, frozenset(target.ip for item in entries for target in item.targets)),
        host_ports={},
        pods=dict.fromkeys(addresses, pods),
        pod_subnets=("10.244.0.0/16",),
        service_subnets=("10.96.0.0/16",),
    )["node-1"]


def with_chain(base: NftTable, chain: Chain) -> NftTable:
    return replace(base, chains=frozenset({*(item for item in base.chains if item.name != chain.name), chain}))


def with_set(base: NftTable, item: ElementSet) -> NftTable:
    return replace(base, sets=frozenset({*(old for old in base.sets if old.name != item.name), item}))


def iptables(*, variant="nft", family="ip", **tables: Mapping[str, Iterable[str]]) -> IptablesRules:
    """The rules of one iptables program: for each table its chains with their rules."""
    return IptablesRules(
        variant=variant,
        family=family,
        tables=frozenset(
            IptablesTable(
                name=name,
                chains=frozenset(IptablesChain(name=chain, rules=tuple(rules)) for chain, rules in chains.items()),
            )
            for name, chains in tables.items()
            if chains
        ),
    )


@st.composite
def rules_of_iptables(draw) -> IptablesRules:
    """Random rules: up to four chains in each table, which jump downwards only, and jumps to them from built-in chains."""
    tables = {}
    for name, entries in (("filter", ("INPUT", "FORWARD")), ("nat", ("PREROUTING", "POSTROUTING"))):
        chains = sorted(draw(st.sets(st.sampled_from(["KUBE-A", "KUBE-B", "CNI-C", "KUBE-D"]))))
        found = {}
        for position, chain in enumerate(chains):
            targets = ["RETURN", "ACCEPT", *chains[position + 1 :]]
            found[chain] = [
                f"-s 10.0.0.{draw(st.integers(1, 3))}/32 -j {leads_to}"
                for leads_to in draw(st.lists(st.sampled_from(targets), max_size=3))
            ]
        for entry in draw(st.sets(st.sampled_from(entries))) if chains else ():
            found[entry] = [f"-j {leads_to}" for leads_to in draw(st.lists(st.sampled_from(chains), min_size=1, max_size=2))]
        tables[name] = found
    return iptables(**tables)


HOOKS = (
    "type filter hook forward priority filter; policy accept;",
    "type filter hook forward priority filter + 5; policy accept;",
    "type filter hook forward priority filter; policy drop;",
)
RULES = (
    "accept",
    "ip daddr 10.1.0.0/16 drop",
    'tcp dport 80 accept comment "goto nowhere, @nothing"',
    "ct state established,related accept",
)
EXTRA_SETS = (
    ElementSet(name="extra", key_type="type ipv4_addr"),
    ElementSet(name="extra", key_type="type ipv4_addr", elements=frozenset({Element(key="10.0.0.1"), Element(key="10.0.0.2", comment="x")})),
    ElementSet(name="extra", key_type="type ipv4_addr", elements=frozenset({Element(key="10.0.0.1", comment="y")})),
    ElementSet(name="extra", key_type="type inet_service", elements=frozenset({Element(key="80")})),
    ElementSet(name="extra", key_type="type ipv4_addr\n\t\tflags interval", elements=frozenset({Element(key="10.0.0.0/8")})),
    ElementSet(name="extra", key_type="type ipv4_addr : verdict", is_map=True, elements=frozenset({Element(key="10.0.0.1", value="drop")})),
    ElementSet(name="extra", key_type="type ipv4_addr : verdict", is_map=True, elements=frozenset({Element(key="10.0.0.1", value="goto leftovers")})),
)  # fmt: skip


@st.composite
def tables(draw) -> NftTable:
    """A random table: up to four Services with up to three endpoints, in all their ways, rules and a set beside them."""
    entries = []
    for number in draw(st.lists(st.integers(1, 4), max_size=4, unique=True)):
        ips = draw(st.lists(st.sampled_from([f"10.244.1.{n}" for n in range(2, 6)]), max_size=3, unique=True))
        more = {
            "protocol": draw(st.sampled_from(["tcp", "udp"])),
            "owner": draw(st.sampled_from([f"default/s{number}:http", f"other/s{number}"])),
            "affinity_s": draw(st.sampled_from([0, 0, 90, 10800])),
            "otherwise": draw(st.sampled_from(["reject", "drop"])),
        }
        entries.append(entry(number, ips, **more))
        if draw(st.booleans()):
            local = {"shortcut": entry(number, ["10.244.1.2", "10.244.2.2"]).targets} if draw(st.booleans()) else {}
            ranges = {"sources": ("198.51.100.0/24",)} if draw(st.booleans()) else {}
            entries.append(node_port(number, 30000 + number, ips, **more, **local, **ranges))
    found = table(*entries)
    if draw(st.booleans()):
        rules = draw(st.lists(st.sampled_from(RULES), max_size=3))
        found = with_chain(found, Chain(name="filter-extra", hook=draw(st.sampled_from(HOOKS)), rules=tuple(rules)))
    if draw(st.booleans()):
        found = with_chain(found, Chain(name="leftovers", rules=tuple(draw(st.lists(st.sampled_from(RULES), max_size=3)))))
    if draw(st.booleans()):
        extra = draw(st.sampled_from(EXTRA_SETS))
        found = with_set(found, extra)
        if draw(st.booleans()) and extra.key_type.startswith("type ipv4_addr"):
            rule = "ip daddr vmap @extra" if extra.is_map else "ip daddr @extra accept"
            found = with_chain(found, Chain(name="uses-extra", rules=(rule,)))
    return found


@st.composite
def labs(draw) -> NetState:
    """A random lab: up to three Nodes, up to three Pods anywhere, some drift in MTU, MACs, addresses; or nothing at all."""
    nodes = sorted(draw(st.sets(st.sampled_from(NODES), max_size=3)))
    if not nodes:
        return NetState()
    pods = {pod: draw(st.sampled_from(nodes)) for pod in sorted(draw(st.sets(st.sampled_from(PODS))))}
    things = [*nodes, *pods]
    state = lab(
        pods,
        nodes=nodes,
        mtu={thing: draw(st.sampled_from([1400, 1500])) for thing in things},
        tables={node: draw(tables()) for node in nodes if draw(st.booleans())},
        iptables={node: rules for node in nodes if (rules := draw(rules_of_iptables())).tables and draw(st.booleans())},
        salt=draw(st.sampled_from(["", "again"])),
        hosts={pod: draw(st.integers(2, 4)) for pod in pods},
        ipv6=draw(st.booleans()),
        vxlan=draw(st.booleans()),
    )
    return NetState(
        namespaces=frozenset(draw(_varied(space)) for space in sorted(state.namespaces, key=lambda item: item.name))
    )


@st.composite
def _varied(draw, space: Namespace) -> Namespace:
    """The namespace with another bridge, more addresses and routes, fewer parameters."""
    bridges = [link for link in space.links if isinstance(link, Bridge)]
    if bridges and draw(st.booleans()):
        [old] = bridges
        space = replace(space, links=space.links - {old} | {replace(old, mtu=draw(st.sampled_from([1400, 1500])))})
    if space.addresses and draw(st.booleans()):
        dev = draw(st.sampled_from(["eth0", "lo"]))
        more = draw(st.sets(st.sampled_from(["10.7.0.1/24", "10.7.0.2/24", "10.8.0.1/24", "fd00:7::1/64"]), min_size=1))
        flag = draw(st.booleans())
        space = replace(
            space, addresses=space.addresses | {Address(dev=dev, address=text, noprefixroute=flag) for text in more}
        )
        if dev == "eth0":
            via = draw(st.sampled_from(["", "10.9.0.1"]))
            extra = {Route(destination="10.9.0.1", dev="eth0"), Route(destination="10.20.0.0/16", dev="eth0", via=via)}
            space = replace(space, routes=space.routes | extra)
    if draw(st.booleans()):
        space = replace(space, sysctls=frozenset())
    return space


def without_sysctls(state: NetState) -> NetState:
    """The state without parameters: Linux shows more of them than anybody wishes."""
    return NetState(namespaces=frozenset(replace(space, sysctls=frozenset()) for space in state.namespaces))


def assert_reached(observed: NetState, desired: NetState) -> None:
    """Assert that everything is as desired, and nothing else is there; of the parameters, those that are desired."""
    assert str(without_sysctls(observed)) == str(without_sysctls(desired))
    assert without_sysctls(observed) == without_sysctls(desired)
    seen = observed.by_name
    for space in desired.namespaces:
        assert space.sysctls <= seen[space.name].sysctls
