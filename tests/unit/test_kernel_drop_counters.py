"""What the kernel's counters say of packets that it threw away."""

from __future__ import annotations

from netlab.kernel.drop_counters import grown, parse_counters

TEXT = """TcpExt: SyncookiesSent ListenOverflows ListenDrops
TcpExt: 0 2 3
IpExt: InNoRoutes InTruncatedPkts
IpExt: 4 0
Ip: Forwarding DefaultTTL InAddrErrors
Ip: 1 64 5
"""


def test_the_counters_that_tell_of_lost_packets_are_read():
    assert parse_counters(TEXT) == {"ListenOverflows": 2, "ListenDrops": 3, "InNoRoutes": 4, "InAddrErrors": 5}
    assert parse_counters("") == {}


def test_only_those_that_have_grown_say_something():
    before = {"a": {"ListenDrops": 3, "InNoRoutes": 4}, "b": {}}
    after = {"a": {"ListenDrops": 4, "InNoRoutes": 4, "IPReversePathFilter": 1}, "b": {"InNoRoutes": 0}, "c": {"InNoRoutes": 1}}
    assert grown(before, after) == {"a": ("IPReversePathFilter", "ListenDrops"), "b": (), "c": ("InNoRoutes",)}
