"""What `[LOCAL:]REMOTE` means, and where is listened."""

from __future__ import annotations

import pytest

from netlab.cli.port_forward import Forwarding, forwardings, listen_addresses
from netlab.errors import NetlabError

PORTS = [("http", 8080), ("dns", 53, "UDP"), ("both", 54, "UDP"), ("both-tcp", 54, "TCP")]


@pytest.fixture
def pod(build):
    return build.pod("web", ports=PORTS)


@pytest.fixture
def service(build):
    return build.service(
        "web",
        build.port(80, target="http", name="page"),
        build.port(81, target=9000, name="other"),
        build.port(82),
        build.port(53, protocol="UDP", name="dns"),
        build.port(83, target="nosuch"),
    )


@pytest.mark.parametrize(
    ("word", "local", "remote"),
    [
        pytest.param("80", 80, 80, id="the same port on both sides"),
        pytest.param("8000:80", 8000, 80, id="two ports"),
        pytest.param(":80", 0, 80, id="a free port"),
        pytest.param("0:80", 0, 80, id="a free port as zero"),
        pytest.param("http", 8080, 8080, id="the name of a container's port"),
        pytest.param("8000:http", 8000, 8080, id="a name behind another port"),
        pytest.param(":http", 0, 8080, id="a name behind a free port"),
        pytest.param("54", 54, 54, id="a port that TCP uses as well as UDP"),
    ],
)
def test_ports_of_a_pod(pod, word, local, remote):
    assert forwardings([word], pod, pod) == [Forwarding(local, remote)]


@pytest.mark.parametrize(
    ("word", "local", "remote"),
    [
        pytest.param("80", 80, 8080, id="a port whose target has a name"),
        pytest.param("81", 81, 9000, id="a port whose target is a number"),
        pytest.param("82", 82, 82, id="a port that is its own target"),
        pytest.param("8000:80", 8000, 8080, id="another local port"),
        pytest.param("page", 80, 8080, id="the name of a port: the Service's number here"),
        pytest.param(":page", 0, 8080, id="a name behind a free port"),
    ],
)
def test_ports_of_a_service(pod, service, word, local, remote):
    assert forwardings([word], service, pod) == [Forwarding(local, remote)]


def test_a_headless_service_has_the_ports_of_its_pods(build, pod):
    service = build.service("web", build.port(80, target="http"), cluster_ip="None")
    assert forwardings(["8000:80", "81"], service, pod) == [Forwarding(8000, 80), Forwarding(81, 81)]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        pytest.param("", "remote port cannot be empty", id="nothing"),
        pytest.param(":", "remote port cannot be empty", id="only a colon"),
        pytest.param("8000:", "remote port cannot be empty", id="no remote port"),
        pytest.param("1:2:3", "invalid port format '1:2:3'", id="three ports"),
        pytest.param("0", "remote port must be > 0", id="remote port zero"),
        pytest.param("8000:0", "remote port must be > 0", id="remote port zero behind another"),
        pytest.param("65536", "port '65536'", id="too large a port"),
        pytest.param("65536:80", "error parsing local port '65536'", id="too large a local port"),
        pytest.param("80:65536", "error parsing remote port '65536'", id="too large a remote port"),
        pytest.param("x:80", "error parsing local port 'x'", id="a local port that is a name"),
        pytest.param("-1:80", "error parsing local port '-1'", id="a negative port"),
        pytest.param("²:80", "error parsing local port", id="a digit that is no number"),
        pytest.param("nosuch", "Pod 'web' does not have a named port 'nosuch'", id="no port of that name"),
        pytest.param("53", "UDP protocol is not supported for 53", id="a port of UDP"),
        pytest.param("dns", "UDP protocol is not supported for dns", id="a name of a port of UDP"),
    ],
)
def test_ports_of_a_pod_that_mean_nothing(pod, word, message):
    with pytest.raises(NetlabError) as raised:
        forwardings([word], pod, pod)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        pytest.param("79", "Service web does not have a service port 79", id="no such number"),
        pytest.param("http", "Service 'web' does not have a named port 'http'", id="the name of the Pod's port"),
        pytest.param("53", "UDP protocol is not supported for 53", id="a port of UDP"),
        pytest.param("83", "Pod 'web' does not have a named port 'nosuch'", id="a target that this Pod does not have"),
    ],
)
def test_ports_of_a_service_that_mean_nothing(pod, service, word, message):
    with pytest.raises(NetlabError) as raised:
        forwardings([word], service, pod)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["127.0.0.1"], [("127.0.0.1", True)], id="an address"),
        pytest.param(["localhost"], [("127.0.0.1", False), ("::1", False)], id="localhost: one of two is enough"),
        pytest.param(["::1,0.0.0.0"], [("0.0.0.0", True), ("::1", True)], id="several, sorted"),
        pytest.param(["127.0.0.1", "127.0.0.1"], [("127.0.0.1", True)], id="one twice"),
        pytest.param(["localhost,127.0.0.1"], [("127.0.0.1", True), ("::1", False)], id="localhost and one of its two"),
    ],
)
def test_addresses(words, expected):
    assert listen_addresses(words) == expected


@pytest.mark.parametrize("word", ["", "nosuch", "127.0.0.1,", "127.0.0.256"])
def test_what_is_no_address(word):
    with pytest.raises(NetlabError, match="is not a valid IP"):
        listen_addresses([word])
