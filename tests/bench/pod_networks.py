"""Pod networks alone (namespace, veth, bridge port, address, two routes): netlab, and three other ways to make the same.

Each contender makes `count` of them on one Node of its own, and removes them outside the time measured where it can. The
plans of netlab come from the same diff as in a lab. Peers: `ip` in batch mode with one `ip netns add` each, pyroute2 with
one NetNS object each, and, as the floor under all of them, the kernel's bare `unshare`.
"""

from __future__ import annotations

import ctypes
import subprocess
import threading
import time
from collections.abc import Callable

from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.netstate.links import Address, Bridge, Route, Sysctl, Veth
from netlab.netstate.names import IfName, mac_address, machine_netns, pod_netns, veth_name
from netlab.netstate.state import Namespace, NetState
from netlab.plan.diff import diff

MARK = "netlab bench"
CNI0, ETH0 = IfName("cni0"), IfName("eth0")
CLONE_NEWNET = 0x40000000


def pod_address(number: int) -> str:
    """The address of the n-th Pod, from a /16."""
    return f"10.244.{(number + 2) // 256}.{(number + 2) % 256}"


def wished(count: int) -> NetState:
    """One Node with `count` Pods, in netlab's nouns."""
    node = machine_netns("pods", "node-1")
    pods = [pod_netns("pods", "default", f"pod-{n}") for n in range(count)]
    ports = []
    namespaces = []
    for number, pod in enumerate(pods):
        near, far, name = mac_address(pod, "near"), mac_address(pod, "far"), veth_name(pod)
        port = Veth(name=name, mac=near, mtu=1500, peer_netns=pod, peer_name=ETH0, peer_mac=far, master=CNI0, alias=MARK)
        end = Veth(name=ETH0, mac=far, mtu=1500, peer_netns=node, peer_name=name, peer_mac=near, alias=MARK)
        routes = {Route(destination="10.244.0.1", dev=ETH0), Route(destination="default", dev=ETH0, via="10.244.0.1")}
        address = Address(dev=ETH0, address=f"{pod_address(number)}/16", noprefixroute=True)
        sysctls = {Sysctl(key="net.ipv4.ip_unprivileged_port_start", value="0")}
        namespaces.append(
            Namespace(
                name=pod,
                links=frozenset({end}),
                addresses=frozenset({address}),
                routes=frozenset(routes),
                sysctls=frozenset(sysctls),
            )
        )
        ports.append(port)
    bridge = Bridge(name=CNI0, mac=mac_address("bridge"), mtu=1500, alias=MARK)
    gateway = Address(dev=CNI0, address="10.244.0.1/16")
    namespaces.append(Namespace(name=node, links=frozenset({bridge, *ports}), addresses=frozenset({gateway})))
    return NetState(namespaces=frozenset(namespaces))


def with_netlab(count: int) -> float:
    """Seconds for the plan, done by LinuxNetwork."""
    network, state = LinuxNetwork(), wished(count)
    scope = Scope(mark=MARK, names=frozenset(state.by_name))
    begun = time.perf_counter()
    network.apply(scope, diff(state, NetState(), MARK).steps)
    seconds = time.perf_counter() - begun
    network.apply(scope, diff(NetState(), network.observe(scope), MARK).steps)
    return seconds


def with_ip_batch(count: int) -> float:
    """Seconds for `ip netns add` each, and batches of `ip` for all the rest."""
    names = [f"batch-{n}" for n in range(count)]
    begun = time.perf_counter()
    for name in ("batch-node", *names):
        subprocess.run(["ip", "netns", "add", name], check=True)
    lines = ["link add cni0 up type bridge", "addr add 10.244.0.1/16 dev cni0"]
    lines += [f"link add veth{n} up master cni0 type veth peer name eth0 netns {name}" for n, name in enumerate(names)]
    batch("batch-node", lines)
    for number, name in enumerate(names):
        batch(
            name,
            [
                "link set lo up",
                "link set eth0 up",
                f"addr add {pod_address(number)}/16 dev eth0 noprefixroute",
                "route add 10.244.0.1 dev eth0",
                "route add default via 10.244.0.1",
            ],
        )
    seconds = time.perf_counter() - begun
    for name in ("batch-node", *names):
        subprocess.run(["ip", "netns", "del", name], check=True)
    return seconds


def batch(netns: str, lines: list[str]) -> None:
    """Run lines of `ip` in a namespace."""
    subprocess.run(["ip", "-n", netns, "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


def with_pyroute2(count: int) -> float:
    """Seconds with one pyroute2 NetNS object for each Pod."""
    from pyroute2 import NetNS, netns  # noqa: PLC0415 - its import is not what is measured

    names = [f"py-{n}" for n in range(count)]
    begun = time.perf_counter()
    with NetNS("py-node") as node:
        node.link("add", ifname="cni0", kind="bridge", state="up")
        bridge = node.link_lookup(ifname="cni0")[0]
        node.addr("add", index=bridge, address="10.244.0.1", prefixlen=16)
        for number, name in enumerate(names):
            netns.create(name)
            peer = {"ifname": "eth0", "net_ns_fd": name}
            node.link("add", ifname=f"veth{number}", kind="veth", peer=peer, state="up", master=bridge)
            with NetNS(name) as pod:
                eth0 = pod.link_lookup(ifname="eth0")[0]
                pod.link("set", index=eth0, state="up")
                pod.addr("add", index=eth0, address=pod_address(number), prefixlen=16)
                pod.route("add", dst="default", gateway="10.244.0.1")
    seconds = time.perf_counter() - begun
    for name in ("py-node", *names):
        netns.remove(name)
    return seconds


def bare_unshare(count: int) -> float:
    """Seconds for the system call alone, in one thread each."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter() -> None:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")

    begun = time.perf_counter()
    for _ in range(count):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    return time.perf_counter() - begun


CONTENDERS: dict[str, tuple[Callable[[int], float], int]] = {
    "Pod networks, netlab": (with_netlab, 200),
    "Pod networks, ip netns add + ip -batch": (with_ip_batch, 100),
    "Pod networks, pyroute2 NetNS each": (with_pyroute2, 50),
    "bare unshare, no name, no veth": (bare_unshare, 200),
}
