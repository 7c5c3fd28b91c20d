"""A lab built with plain `ip`, `sysctl`, `nft` and `iptables` from what `compile_net` wishes: its packets test the wishes alone.

In each place that is asked for listens a server, which answers with its place and the address it sees the client at.
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from netlab.kernel import netns
from netlab.netstate.links import Bridge
from netlab.netstate.state import Namespace

LAB = "rules"


@contextlib.contextmanager
def served(state: Mapping[str, Namespace], places: Sequence[str]) -> Iterator[None]:
    """The whole lab with servers in these places, and taken away again."""
    servers = None
    try:
        build_network(state)
        servers = Servers(places)
        servers.start()
        yield
    finally:
        if servers is not None:
            servers.stop()
        for name in state:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def run(*words: str, stdin: str = "") -> str:
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def inside(place: str, *words: str, stdin: str = "") -> str:
    return run("ip", "netns", "exec", f"{LAB}.{place}", *words, stdin=stdin)


def build_network(state) -> None:
    """Everything of `state` by hand, in the order that Linux asks for."""
    for name, item in state.items():
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        for one in sorted(item.sysctls):  # some are missing where a module is: -e
            run("ip", "netns", "exec", name, "sysctl", "-e", "-q", "-w", f"{one.key}={one.value}")
        for link in item.links:
            if isinstance(link, Bridge):
                run("ip", "-n", name, "link", "add", link.name, "address", link.mac, "mtu", str(link.mtu), "type", "bridge")
                run("ip", "-n", name, "link", "set", link.name, "up")
    for name, item in state.items():
        for link in item.links:
            if not isinstance(link, Bridge) and link.master:
                near, far = ("name", link.name, "address", link.mac), ("name", link.peer_name, "address", link.peer_mac)
                run("ip", "-n", name, "link", "add", *near, "type", "veth", "peer", *far, "netns", link.peer_netns)
                run("ip", "-n", name, "link", "set", link.name, "master", link.master, "up")
                run("ip", "-n", link.peer_netns, "link", "set", link.peer_name, "up")
    for name, item in state.items():
        for one in item.addresses:
            run("ip", "-n", name, "addr", "add", *str(one).split())
        for route in sorted(item.routes, key=lambda route: bool(route.via)):
            run("ip", *(("-6",) if route.place[0] else ()), "-n", name, "route", "add", *str(route).split())
        if item.table is not None:
            run("ip", "netns", "exec", name, "nft", "-f", "-", stdin=str(item.table))
        for rules in item.iptables:
            run("ip", "netns", "exec", name, f"{rules.program}-restore", "--noflush", stdin=str(rules))


class Servers(threading.Thread):
    """In each place: TCP on 8080 and UDP on 5353, which answer with the place and the address they see the client at."""

    def __init__(self, places) -> None:
        super().__init__()
        self.sockets = {}
        for place in places:
            self.sockets |= netns.in_namespace(f"{LAB}.{place}", lambda place=place: self._listen(place))
        self.bell, self.ear = socket.socketpair()

    def _listen(self, place):
        """Of IPv4, and of IPv6 where the place has it."""
        families = [socket.AF_INET, *([socket.AF_INET6] if netns_has_ipv6() else [])]
        found = {}
        for family in families:
            found[socket.create_server(("", 8080), family=family, backlog=128)] = place
            udp = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.bind(("", 5353))
            found[udp] = place
        return found

    def run(self) -> None:
        while self.ear not in (ready := select.select([*self.sockets, self.ear], [], [])[0]):
            for one in ready:
                if one.type == socket.SOCK_STREAM:
                    connection, peer = one.accept()
                    with connection, contextlib.suppress(OSError):  # a client that gave up is gone
                        connection.sendall(f"{self.sockets[one]} {peer[0]}".encode())
                else:
                    _, peer = one.recvfrom(99)
                    one.sendto(f"{self.sockets[one]} {peer[0]}".encode(), peer)

    def stop(self) -> None:
        self.bell.send(b"!")
        self.join()
        for one in (*self.sockets, self.bell, self.ear):
            one.close()


def netns_has_ipv6() -> bool:
    """Tell whether the namespace of this thread has an address of IPv6 that is not the machine's own."""
    return any(not line.endswith(" lo") for line in Path("/proc/thread-self/net/if_inet6").read_text().splitlines())


def ask(
    place: str, ip: str, port: int, kind=socket.SOCK_STREAM, *, timeout_s: float = 20.0, source: str = ""
) -> tuple[str, str]:
    """Ask from `place` (at its address `source`) and return who answered, and as whom it saw the client."""

    def work() -> bytes:
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind) as one:
            one.settimeout(timeout_s)
            if source:
                one.bind((source, 0))
            one.connect((ip, port))
            if kind == socket.SOCK_DGRAM:
                one.send(b"?")
            return one.recv(99)

    who, seen = netns.in_namespace(f"{LAB}.{place}", work).decode().split()
    return who.removeprefix("default."), seen
