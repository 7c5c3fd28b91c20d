"""Two namespaces and a cable between them, for instruments to look at."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netlab.kernel import netns
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.seen import Place
from tests.descriptors import open_files

LEFT, RIGHT = (Place(NetnsName(f"cable.{side}"), IfName("eth0")) for side in ("left", "right"))


def ip(*words: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True)


@contextmanager
def cable() -> Iterator[None]:
    """LEFT has 192.0.2.1, RIGHT 192.0.2.2. There is no IPv6, so nothing is sent that no test sends. No file may be left open."""
    before = open_files()
    for name in (LEFT.netns, RIGHT.netns):
        ip("netns", "add", name)
        netns.in_namespace(name, lambda: Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1"))
    ip("-n", LEFT.netns, "link", "add", "eth0", "type", "veth", "peer", "eth0", "netns", RIGHT.netns)
    for number, name in enumerate((LEFT.netns, RIGHT.netns), 1):
        ip("-n", name, "address", "add", f"192.0.2.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
    yield
    for name in (LEFT.netns, RIGHT.netns):
        ip("netns", "delete", name)
    assert open_files() <= before
