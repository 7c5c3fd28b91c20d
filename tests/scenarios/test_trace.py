"""`netlab trace`: what is told of a request is what happened to it, on every way that a request can take in a lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from netlab.kernel import netns, nft
from netlab.packets.marking import TABLE_STEM
from tests.scenarios.conftest import own_name

# Answers every connection with the client's address and port, and every datagram too; listens on IPv6 where there is any.
ECHO = """
import os, socket, threading
family = socket.AF_INET6 if os.path.exists("/proc/net/if_inet6") else socket.AF_INET
server = socket.create_server(("", 8080), family=family, dualstack_ipv6=family == socket.AF_INET6)
def datagrams():
    u = socket.socket(family, socket.SOCK_DGRAM); u.bind(("", 5353))
    while True:
        data, peer = u.recvfrom(2048); u.sendto(data, peer)
threading.Thread(target=datagrams, daemon=True).start()
while True:
    client, peer = server.accept()
    client.sendall(f"{peer[0].removeprefix('::ffff:')} {peer[1]}".encode()); client.close()
"""
PODS = {"one": "node-1", "two": "node-2"}
SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: two}
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: {name: two}
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30080}
  - {name: dgram, port: 53, targetPort: 5353, protocol: UDP}
  - {name: deaf, port: 54, targetPort: 5454, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {name: mirror}
spec:
  selector: {name: one}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec:
  selector: {name: nobody}
  ports: [{port: 80}]
"""
LABS = {"host-gw": ("host-gw", "ipv4"), "tunnel": ("vxlan", "dual")}


def pods() -> str:
    container = {"name": "main", "image": "host", "command": ["python3", "-c", ECHO]}
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"name": name}},
            "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
        }
        for name, node in PODS.items()
    ]})  # fmt: skip


@pytest.fixture(scope="module", params=LABS)
def traced(request, tmp_path_factory):
    """A lab of two Nodes with a Pod on each, with routes or with a tunnel between them; and the file with its Services."""
    network, family = LABS[request.param]
    spec = {"nodes": [{"name": "node-1"}, {"name": "node-2"}], "network": network, "ipFamily": family}
    folder = tmp_path_factory.mktemp("trace")
    (folder / "lab.yaml").write_text(
        json.dumps({"apiVersion": "netlab/v1", "kind": "Lab", "metadata": {"name": "x"}, "spec": spec})
    )
    (folder / "services.yaml").write_text(SERVICES)
    with own_name() as lab:
        lab("up", "-f", str(folder / "lab.yaml"))
        lab("apply", "-f", str(folder / "services.yaml"))
        lab.apply(pods())
        lab("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
        yield lab, family


@pytest.fixture(params=["nftables", "iptables"])
def lab(request, traced):
    """The lab, with rules of either kind."""
    program, _ = traced
    words = ("iptables", "--variant", "nft") if request.param == "iptables" else ("nftables",)
    program("proxy", "mode", *words)
    return program


def trace(lab, *words: str) -> dict[str, Any]:
    done = lab.run("trace", *words, "-o", "json")
    assert done.code in {0, 1}, done.err
    assert not done.err
    found = json.loads(done.out)
    assert found["schema"] == "netlab.trace/v1"
    assert found["instruments"] == {"unproved": [], "lost": {}}
    return found


def way(found: dict[str, Any], direction: str) -> list[dict[str, Any]]:
    return next(one["steps"] for one in found["packets"] if one["direction"] == direction)


def text(side: dict[str, Any]) -> str:
    return f"{side['address']}:{side['port']}"


def interfaces(steps: list[dict[str, Any]]) -> list[str]:
    """The interfaces in order, those of Pods' links to their Node by what they are."""
    return [
        f"{one['where']} {one['kind']} {'veth' if one['interface'].startswith('veth') else one['interface']}"
        for one in steps
        if one["interface"]
    ]


THERE = ["one out eth0", "node-1 in veth", "node-1 in cni0"]
ACROSS = ["node-1 out eth0", "fabric in node-1", "fabric out node-2", "node-2 in eth0"]
TUNNEL_IN, TUNNEL_OUT = ["node-1 out vxlan.1"], ["node-2 in vxlan.1"]
ARRIVAL = ["node-2 out cni0", "node-2 out veth", "two in eth0"]


def test_a_connection_to_a_cluster_ip_is_seen_at_every_interface_there_and_back(lab, traced):
    is_tunnel = traced[1] == "dual"
    found = trace(lab, "one", "svc/two:http", "-4")
    middle = [*TUNNEL_IN, *ACROSS, *TUNNEL_OUT] if is_tunnel else ACROSS
    assert interfaces(way(found, "forward")) == [*THERE, *middle, *ARRIVAL]
    mirrored = [
        f"{who} {'in' if how == 'out' else 'out'} {what}" for who, how, what in map(str.split, [*THERE, *middle, *ARRIVAL])
    ]
    # The answer passes the same interfaces the other way round; a frame that a bridge takes up is seen at its port first.
    assert interfaces(way(found, "reply")) == list(reversed(mirrored))
    times = [one["timeNs"] for one in (*way(found, "forward"), *way(found, "reply")) if one["timeNs"] is not None]
    assert times == sorted(times)
    assert found["verdict"]["ending"] == "answered"
    assert found["verdict"]["where"] == "two"


def test_what_translates_is_named_with_its_rule_owner_and_line(lab, traced):
    steps = way(trace(lab, "one", "svc/two:http", "-4"), "forward")
    (there,) = [one for one in steps if one["translated"]]
    assert (there["where"], there["kind"]) == ("node-1", "prerouting")
    assert text(there["before"]["destination"]) == f"{lab.cluster_ip('two')}:80"
    assert text(there["after"]["destination"]) == f"{lab.pod_ip('two')}:8080"
    assert there["before"]["destination"]["name"] == "svc/two"
    said = [one for one in there["rules"] for one in (one, *one["elements"])]
    assert any(one["owner"] == "svc/two" and "services.yaml:" in one["place"] for one in said), said
    entry = there["connection"]
    assert (text(entry["original"]["destination"]), text(entry["reply"]["source"])) == (
        f"{lab.cluster_ip('two')}:80",
        f"{lab.pod_ip('two')}:8080",
    )


def test_the_answer_is_translated_back_by_what_conntrack_remembers(lab):
    (back,) = [one for one in way(trace(lab, "one", "svc/two:http", "-4"), "reply") if one["translated"]]
    assert back["remembered"]
    assert back["where"] == "node-1"
    assert text(back["after"]["source"]) == f"{lab.cluster_ip('two')}:80"


def test_masquerading_is_seen_as_the_server_sees_it(lab, traced):
    """The server says which client it sees; the trace says what the packet was when it came to it."""
    done = lab.run("trace", "outside", "node-1:30080", "-4", "--http", "/", "-o", "json")
    found = json.loads(done.out)
    steps = way(found, "forward")
    changed = [one["kind"] for one in steps if one["translated"]]
    assert changed == ["prerouting", "postrouting"]
    last = [one for one in steps if one["interface"]][-1]
    assert last["where"] == "two"
    assert last["before"]["source"]["name"] == "node-1"
    data = next(one for one in found["packets"] if one["direction"] == "reply" and one["payloadBytes"])
    assert data["payloadBytes"] == len(f"{last['before']['source']['address']} {last['before']['source']['port']}")


def test_a_frame_that_the_fabric_sends_to_everybody_is_told_of_whom_it_is_for(lab):
    """After five silent minutes a bridge has forgotten where an address is."""
    flush = ["ip", "-n", f"{lab.lab}.fabric", "link", "set", "fabric0", "type", "bridge", "fdb_flush"]
    subprocess.run(flush, check=True)
    steps = way(trace(lab, "outside", "node-1:30080", "-4"), "forward")
    assert [(one["where"], one["kind"]) for one in steps if one["translated"]] == [
        ("node-1", "prerouting"),
        ("node-1", "postrouting"),
    ]
    assert interfaces(steps)[:4] == ["outside out eth0", "fabric in outside", "fabric out node-1", "node-1 in eth0"]


def test_a_pod_that_reaches_itself_is_masqueraded(lab):
    steps = way(trace(lab, "one", "svc/mirror", "-4"), "forward")
    assert interfaces(steps) == [*THERE, "node-1 out cni0", "node-1 out veth", "one in eth0"]
    assert [one["kind"] for one in steps if one["translated"]] == ["prerouting", "postrouting"]


def test_a_node_translates_what_it_sends_itself(lab):
    steps = way(trace(lab, "node-1", "svc/two:http", "-4"), "forward")
    assert [one["kind"] for one in steps if one["translated"]][:1] == ["output"]


def test_datagrams_and_pings_are_traced_too(lab):
    found = trace(lab, "one", "svc/two:dgram", "-4")
    assert found["sent"]["protocol"] == "udp"
    assert found["verdict"]["ending"] == "answered"
    found = trace(lab, "one", "two", "-4", "--size", "3000")
    assert [one["name"] for one in found["packets"]] == ["echo request", "echo reply"]
    assert found["verdict"]["ending"] == "answered"


def test_ipv6_is_traced_where_there_is_ipv6(lab, traced):
    if traced[1] != "dual":
        done = lab.run("trace", "one", "svc/two:http", "-6")
        assert "has no address of IPv6" in done.err
        return
    found = trace(lab, "one", "svc/two:http", "-6")
    assert found["verdict"]["ending"] == "answered"
    assert ":" in found["sent"]["destination"]["address"]
    assert [one["where"] for one in way(found, "forward") if one["translated"]] == ["node-1"]
    large = trace(lab, "one", "two:5353", "-6", "--udp", "--size", "1900")["verdict"]
    assert (large["ending"], large["where"]) == ("answered", "two"), "fragments have no ports that a filter finds"


def test_a_service_without_endpoints_refuses_and_the_rule_is_named(lab):
    found = trace(lab, "one", "svc/nobody", "-4")
    assert found["verdict"]["ending"] == "refused"
    assert found["verdict"]["where"] == "node-1"
    assert "svc/nobody" in found["verdict"]["sentence"]
    assert [one["dropped"] for one in way(found, "forward")].count(True) == 1


def test_a_port_on_which_nothing_listens_is_refused_by_the_pod(lab):
    found = trace(lab, "one", "two:81", "-4")
    assert (found["verdict"]["ending"], found["verdict"]["where"]) == ("refused", "two")
    assert "nothing listens there on tcp port 81" in found["verdict"]["sentence"]


def test_an_error_that_is_translated_on_its_way_back_is_of_who_sent_it(lab):
    """What it quotes is translated back by the client's Node: it is the same error before and after."""
    found = trace(lab, "one", "svc/two:54", "-4", "--udp")
    assert (found["verdict"]["ending"], found["verdict"]["where"]) == ("refused", "two")
    assert "nothing listens there on udp port 5454" in found["verdict"]["sentence"]
    (error,) = [one for one in found["packets"] if one["direction"] == "error"]
    assert (error["steps"][0]["where"], error["steps"][-1]["where"]) == ("two", "one")


@pytest.mark.parametrize(("hook", "space", "where"), [("forward", "node-2", "node-2"), ("input", "default.two", "two")])
def test_a_rule_made_by_hand_that_drops_is_named(lab, hook, space, where):
    """On a Node, and in a Pod, where nobody else has any rules."""
    chain = f"type filter hook {hook} priority 5; policy accept;"
    table = f"table inet byhand {{\n chain c {{\n {chain}\n tcp dport 8080 drop\n }}\n}}\n"
    name = f"{lab.lab}.{space}"
    netns.in_namespace(name, lambda: nft.run(table))
    try:
        found = trace(lab, "one", "svc/two:http", "-4", "--timeout", "0.2")
    finally:
        netns.in_namespace(name, lambda: nft.run("delete table inet byhand"))
    assert (found["verdict"]["ending"], found["verdict"]["where"]) == ("dropped", where)
    assert "tcp dport 8080 drop" in found["verdict"]["sentence"]


def test_what_stays_in_a_pod_is_seen_on_lo(lab):
    found = trace(lab, "one", "127.0.0.1:8080")
    assert found["verdict"]["ending"] == "answered"
    assert {one["interface"] for one in way(found, "forward") if one["interface"]} == {"lo"}


def test_a_packet_that_reverse_path_filtering_ends_is_told_so(lab):
    """The Node would look for its source on another interface: the kernel throws it away, and counts that."""

    def on_node(value: str, *route: str) -> None:
        for name in ("all", "eth0"):
            Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text(value)
        subprocess.run(["ip", "route", *route, "172.18.0.1/32", "dev", "cni0"], capture_output=True, check=False)

    trace(
        lab, "outside", "node-2", "-4"
    )  # then its MAC is known: a Node that filters so does not answer who asks for it either
    netns.in_namespace(f"{lab.lab}.node-2", lambda: on_node("1", "add"))
    try:
        found = trace(lab, "outside", "node-2", "-4", "--timeout", "0.2")
    finally:
        netns.in_namespace(f"{lab.lab}.node-2", lambda: on_node("0", "delete"))
    assert (found["verdict"]["ending"], found["verdict"]["where"]) == ("lost", "node-2")
    assert "rp_filter" in found["verdict"]["sentence"]


def test_a_time_to_live_that_ends_and_an_address_that_nobody_has(lab):
    found = trace(lab, "one", "two:8080", "-4", "--ttl", "1")
    assert (found["verdict"]["ending"], found["verdict"]["where"]) == ("unreachable", "node-1")
    assert "time to live exceeded" in found["verdict"]["sentence"]
    found = trace(lab, "one", "10.9.9.9:80", "--timeout", "0.2")
    assert (found["verdict"]["ending"], found["verdict"]["where"]) == ("lost", "outside")


def test_a_server_that_says_nothing_is_not_called_dropped(lab):
    done = lab.run("trace", "one", "two:9", "-4", "--udp", "-o", "json")
    assert json.loads(done.out)["verdict"]["ending"] == "refused"  # by the Pod itself: nobody listens


def rules(lab) -> list[str]:
    """What is in the tables of the Nodes, ours and everybody's. A program of its own: the library forgets words of xtables."""
    return [
        subprocess.run(
            ["ip", "netns", "exec", f"{lab.lab}.{node}", "nft", "-s", "list", "ruleset"],
            capture_output=True, text=True, check=True,
        ).stdout
        for node in ("node-1", "node-2")
    ]  # fmt: skip


def test_nothing_is_left_of_the_instruments(lab):
    before = rules(lab)
    trace(lab, "one", "svc/two:http", "-4")
    assert rules(lab) == before


def test_nothing_is_left_after_kill_9(lab, until):
    before = rules(lab)
    words = (sys.executable, "-m", "netlab", "trace", "--lab", lab.lab, "one", "10.9.9.9:80", "--timeout", "60")
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(TABLE_STEM in one for one in rules(lab)))
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    until(lambda: rules(lab) == before)


def test_ten_traces_at_once_do_not_disturb_each_other(lab):
    words = (sys.executable, "-m", "netlab", "trace", "--lab", lab.lab, "one", "svc/two:http", "-4", "-o", "json")
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(10)]
    found = [json.loads(one.communicate(timeout=300)[0]) for one in running]
    assert [one["verdict"]["ending"] for one in found] == ["answered"] * 10, found[0]["verdict"]
    assert {len(way(one, "forward")) for one in found} == {len(way(found[0], "forward"))}


def test_the_capture_file_can_be_read_and_says_what_happened(lab, tmp_path):
    file = tmp_path / "trace.pcapng"
    lab("trace", "one", "svc/two:http", "-4", "--pcapng", str(file))
    words = ["tshark", "-r", str(file), "-T", "fields", "-e", "frame.interface_name", "-e", "frame.comment"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert any(line.startswith("one/eth0\thop ") for line in lines)
    assert any(f"DNAT {lab.cluster_ip('two')}:80 > {lab.pod_ip('two')}:8080 by" in line for line in lines)


def test_wrong_words_are_refused_with_what_would_be_right(lab):
    for words, wanted in (
        (("one", "svc/none"), 'services "none" not found'),
        (("none", "svc/two:http"), 'pods "none" not found'),
        (("one", "svc/two"), "which port?"),
        (("one", "svc/two:none"), "it has no port 'none'"),
        (("one", "two:none"), "'none' is no port"),
        (("one", "two", "--udp"), "which port?"),
        (("one", "two", "--http", "/"), "--http needs a connection"),
    ):
        done = lab.run("trace", *words)
        assert done.code == 1
        assert wanted in done.err, (words, done.err)


def test_the_next_request_of_a_program_is_shown_as_it_happens(lab, until):
    words = (sys.executable, "-m", "netlab", "trace", "--lab", lab.lab, "one", "svc/two:http", "-4", "--live", "-o", "json")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        until(lambda: all(TABLE_STEM in one for one in rules(lab)))
        program = "import socket, sys; print(socket.create_connection((sys.argv[1], 80), 5).recv(99).decode())"
        said = lab("exec", "one", "--", "python3", "-c", program, lab.cluster_ip("two"))
        found = json.loads(watching.communicate(timeout=300)[0])
    assert found["verdict"]["ending"] == "answered"
    assert said.split()[1] == str(found["sent"]["source"]["port"])
    assert [one["where"] for one in way(found, "forward") if one["translated"]] == ["node-1"]


def test_a_live_trace_that_sees_nothing_says_so(lab):
    done = lab.run("trace", "one", "svc/two:http", "--live", "--timeout", "0.2", "-o", "json")
    assert json.loads(done.out)["verdict"]["ending"] == "not sent"
    assert "waiting for the next tcp request from one to svc/two:http" in done.err


def test_a_name_is_asked_for_as_the_pod_would_ask(lab):
    found = trace(lab, "one", "--dns", "two")
    assert (found["sent"]["protocol"], found["sent"]["destination"]["port"]) == ("udp", 53)
    assert found["sent"]["destination"]["name"] == "svc/kube-dns.kube-system"
    assert found["verdict"]["ending"] == "answered"
    assert found["verdict"]["where"].endswith(".kube-system")


EXPECTED = """
- {from: one, to: "svc/two:http", reaches: two, source: kept, destination: ":8080", through: [node-1, node-2]}
- {name: masqueraded, from: outside, to: "node-1:30080", http: /, reaches: two, source: node-1}
- {from: one, to: svc/nobody, ending: refused}
"""


def results(file: Path) -> ET.Element:
    return ET.parse(file).getroot()  # noqa: S314 - our own file


def test_expectations_are_checked_and_written_for_a_ci(lab, tmp_path):
    (tmp_path / "expect.yaml").write_text(EXPECTED)
    lab("trace", "--expect", str(tmp_path / "expect.yaml"), "--junit", str(tmp_path / "junit.xml"))
    suite = results(tmp_path / "junit.xml")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "0")
    (tmp_path / "expect.yaml").write_text(EXPECTED.replace("reaches: two, source: node-1", "reaches: one, source: kept"))
    done = lab.run("trace", "--expect", str(tmp_path / "expect.yaml"), "--junit", str(tmp_path / "junit.xml"))
    assert done.code == 1
    assert "FAILED masqueraded\n    it was to reach one, and came to two\n" in done.out
    (failure,) = results(tmp_path / "junit.xml").iter("failure")
    assert failure.get("message") == "it was to reach one, and came to two"


def test_expectations_that_nobody_understands_are_refused(lab, tmp_path):
    file = tmp_path / "expect.yaml"
    for text, wanted in (
        ("- {from: one}", "[0].to: needed"),
        ("- !!python/object:os.system {}", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("- {from: one, to: two, udpp: true}", "[0].udpp: not known"),
    ):
        file.write_text(text)
        done = lab.run("trace", "--expect", str(file))
        assert (done.code, wanted in done.err) == (1, True), done.err


def test_rules_of_iptables_legacy_are_found_by_what_they_did(traced):
    lab, _ = traced
    lab("proxy", "mode", "iptables", "--variant", "legacy")
    try:
        (there,) = [one for one in way(trace(lab, "one", "svc/two:http", "-4"), "forward") if one["translated"]]
        done = lab.run("trace", "outside", "node-1:30080", "-4", "-o", "json")
        masqueraded = [one for one in way(json.loads(done.out), "forward") if one["translated"]]
    finally:
        lab("proxy", "mode", "nftables")
    assert not there["remembered"]
    assert "-j DNAT --to-destination" in there["rules"][-1]["rule"]
    assert [one["kind"] for one in masqueraded] == ["prerouting", "postrouting"]
    assert "MASQUERADE" in masqueraded[-1]["rules"][-1]["rule"]


def test_a_file_that_cannot_be_written_is_said(lab, tmp_path):
    for option in ("--pcapng", "--html", "--svg"):
        done = lab.run("trace", "one", "two", option, "/dev/full")
        assert (done.code, "no space left on device" in done.err) == (1, True), done.err
