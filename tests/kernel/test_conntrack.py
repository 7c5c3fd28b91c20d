"""UDP flows forget a gone endpoint: flows made by real packets, through a real dnat rule, all inside one namespace."""

import os
import socket
import subprocess

import pytest

from netlab.errors import KernelError
from netlab.kernel import netns, nft
from netlab.kernel.conntrack import keep_udp_to, parse_counters, table_of, udp_flows

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

NAME = "t4.conntrack"
RULES = """table inet netlab {
	chain output {
		type nat hook output priority -100; policy accept;
		ip daddr 10.96.0.10 udp dport 53 dnat ip to 127.0.0.2:5300
		ip daddr 10.96.0.11 udp dport 53 dnat ip to 127.0.0.3:5300
		ip daddr 10.96.0.10 tcp dport 53 dnat ip to 127.0.0.2:5300
		ip6 daddr fd00:10:96::a udp dport 53 dnat ip6 to [fd00::2]:5300
	}
}
"""


@pytest.fixture
def flows():
    netns.prepare_directory()
    netns.run_in_thread(lambda: netns.create(NAME, lambda: None))
    subprocess.run(["ip", "-n", NAME, "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "-n", NAME, "route", "add", "10.96.0.0/16", "dev", "lo", "src", "127.0.0.1"], check=True)
    subprocess.run(["ip", "-n", NAME, "addr", "add", "fd00::2/128", "dev", "lo", "nodad"], check=True)
    subprocess.run(["ip", "-n", NAME, "route", "add", "fd00:10:96::/112", "dev", "lo"], check=True)

    def talk():
        nft.run(RULES)
        for address in ("10.96.0.10", "10.96.0.11", "127.0.0.9", "fd00:10:96::a"):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"question", (address, 53))
        with socket.create_server(("127.0.0.2", 5300)), socket.create_connection(("10.96.0.10", 53)):
            pass

    netns.in_namespace(NAME, talk)
    yield
    netns.delete(NAME)


def seen():
    return {(flow.address, flow.endpoint) for flow in udp_flows(NAME)}


DNS, SECOND, OWN = ("10.96.0.10", "127.0.0.2"), ("10.96.0.11", "127.0.0.3"), ("127.0.0.9", "127.0.0.9")
DNS6 = ("fd00:10:96::a", "fd00::2")
ALL = {DNS, SECOND, OWN, DNS6}


@pytest.mark.parametrize(
    ("serving", "left"),
    [
        pytest.param({}, ALL, id="no service"),
        pytest.param({("10.96.0.10", 53): frozenset({"127.0.0.2"})}, ALL, id="the endpoint serves"),
        pytest.param({("10.96.0.10", 53): frozenset({"127.0.0.7"})}, ALL - {DNS}, id="another one serves"),
        pytest.param({("10.96.0.10", 53): frozenset()}, ALL - {DNS}, id="none serves"),
        pytest.param({("10.96.0.10", 54): frozenset()}, ALL, id="another port"),
        pytest.param({("fd00:10:96::a", 53): frozenset({"fd00::2"})}, ALL, id="IPv6: the endpoint serves"),
        pytest.param({("fd00:10:96::a", 53): frozenset({"fd00::3"})}, ALL - {DNS6}, id="IPv6: another one serves"),
        pytest.param({("10.96.0.10", 53): frozenset(), ("fd00:10:96::a", 53): frozenset()}, {SECOND, OWN}, id="neither family"),
    ],
)
def test_only_flows_to_serving_endpoints_are_kept(flows, serving, left):
    assert seen() == ALL
    assert keep_udp_to(NAME, serving) == len(ALL) - len(left)
    assert seen() == left


def test_tcp_is_never_touched(flows):
    def tcp():
        return subprocess.run(
            ["ip", "netns", "exec", NAME, "conntrack", "-L", "-p", "tcp"], check=True, capture_output=True, text=True
        ).stdout

    before = tcp()
    assert "dst=10.96.0.10" in before
    keep_udp_to(NAME, {("10.96.0.10", 53): frozenset()})
    assert "dst=10.96.0.10" in tcp()


def test_a_missing_namespace_is_a_kernel_error():
    with pytest.raises(KernelError, match="no such network namespace"):
        keep_udp_to("t4.none", {("10.96.0.10", 53): frozenset()})


def test_the_table_of_a_namespace_is_its_own(flows):
    """Entries are those of the flows; nobody else's traffic is in it, and there was room for all."""
    table = table_of(NAME)
    assert table.entries >= len(udp_flows(NAME)) > 0
    assert table.entries < table.limit
    assert (table.dropped, table.evicted, table.is_full) == (0, 0, False)
    with pytest.raises(KernelError, match="no such network namespace"):
        table_of("t4.gone")


def test_counters_of_all_processors_are_added_up():
    text = "entries  clashres drop early_drop\n0000000a 00000000 00000001 00000010\n0000000a 00000000 0000000f 00000000\n"
    assert parse_counters(text) == {"entries": 20, "clashres": 0, "drop": 16, "early_drop": 16}
    assert parse_counters("") == {}
