"""UDP flows forget a gone endpoint: flows made by real packets, through a real dnat rule, all inside one namespace."""

import os
import socket
import subprocess

import pytest

from netlab.errors import KernelError
from netlab.kernel import netns, nft
from netlab.kernel.conntrack import keep_udp_to, udp_flows

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
	}
}
"""


@pytest.fixture
def flows():
    netns.prepare_directory()
    netns.run_in_thread(lambda: netns.create(NAME, lambda: None))
    subprocess.run(["ip", "-n", NAME, "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "-n", NAME, "route", "add", "10.96.0.0/16", "dev", "lo", "src", "127.0.0.1"], check=True)

    def talk():
        nft.run(RULES)
        for address, port in (("10.96.0.10", 53), ("10.96.0.11", 53), ("127.0.0.9", 53)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"question", (address, port))
        with socket.create_server(("127.0.0.2", 5300)), socket.create_connection(("10.96.0.10", 53)):
            pass

    netns.in_namespace(NAME, talk)
    yield
    netns.delete(NAME)


def seen():
    return {(flow.address, flow.endpoint) for flow in udp_flows(NAME)}


DNS, SECOND, OWN = ("10.96.0.10", "127.0.0.2"), ("10.96.0.11", "127.0.0.3"), ("127.0.0.9", "127.0.0.9")


@pytest.mark.parametrize(
    ("serving", "left"),
    [
        pytest.param({}, {DNS, SECOND, OWN}, id="no service"),
        pytest.param({("10.96.0.10", 53): frozenset({"127.0.0.2"})}, {DNS, SECOND, OWN}, id="the endpoint serves"),
        pytest.param({("10.96.0.10", 53): frozenset({"127.0.0.7"})}, {SECOND, OWN}, id="another one serves"),
        pytest.param({("10.96.0.10", 53): frozenset()}, {SECOND, OWN}, id="none serves"),
        pytest.param({("10.96.0.10", 54): frozenset()}, {DNS, SECOND, OWN}, id="another port"),
    ],
)
def test_only_flows_to_serving_endpoints_are_kept(flows, serving, left):
    assert seen() == {DNS, SECOND, OWN}
    assert keep_udp_to(NAME, serving) == 3 - len(left)
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
