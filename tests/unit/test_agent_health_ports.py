"""The health ports: what is answered follows the newest report and the agent's own health; what fails is said once."""

from __future__ import annotations

import errno

import pytest

from netlab.agent.health_ports import HealthPorts
from netlab.desired.health_checks import TIMEOUT_S, NodeCheck, ServiceCheck
from netlab.model.meta import Key
from netlab.netstate.listening import Listener

WEB = Key("Service", "default", "web")
PORT, PROXY = Listener("demo.node-1", "172.18.0.2", 30900), Listener("demo.node-1", "0.0.0.0", 10256)
CHECKS = {PORT: ServiceCheck(WEB, "node-1", 1), PROXY: NodeCheck("node-1", is_eligible=True)}


class Servers:
    """Listens nowhere; `failures` are what cannot be had."""

    def __init__(self):
        self.failures, self.listened, self.error = {}, [], None

    def listen(self, wanted):
        if self.error:
            raise self.error
        self.listened.append(set(wanted))
        return self.failures

    def wait(self, timeout_s=None):
        pass

    def wake(self):
        pass


class Bench:
    """Health ports whose thread never runs: the test is the thread."""

    def __init__(self):
        self.now, self.woken, self.said = 1000.0, 0, []
        self.servers = Servers()
        self.ports = HealthPorts(self._servers, lambda: self.now, self._wake, self.said.append)
        self.ports._thread = object()

    def _servers(self, reply):
        self.reply = reply
        return self.servers

    def _wake(self):
        self.woken += 1

    def report(self, checks):
        self.ports.look_begins()
        self.ports.look_ended(checks)
        self.ports.turn()

    def status(self, listener=PORT):
        return self.reply(listener, "/healthz").status


@pytest.fixture
def bench():
    return Bench()


def test_the_newest_report_is_answered_by(bench):
    bench.report(CHECKS)
    assert (bench.status(), bench.servers.listened) == (200, [{PORT, PROXY}])
    bench.report({PORT: ServiceCheck(WEB, "node-1", 0)})
    assert (bench.status(), bench.servers.listened[1:]) == (503, [{PORT}])
    bench.ports.turn()
    assert len(bench.servers.listened) == 2  # nothing new


def test_a_client_that_came_before_its_port_was_closed_is_sent_away(bench):
    bench.report({})
    assert bench.status() == 503


def test_rules_that_are_late_make_every_node_unhealthy_until_they_follow(bench):
    bench.report(CHECKS)
    bench.now += 10 * TIMEOUT_S
    assert bench.status(PROXY) == 200  # idle
    bench.ports.look_begins()
    bench.now += TIMEOUT_S - 1
    bench.ports.look_begins()  # failed, and again: the oldest change counts
    assert (bench.status(PORT), bench.status(PROXY)) == (200, 200)
    bench.now += 1
    assert (bench.status(PORT), bench.status(PROXY)) == (503, 503)
    bench.report(CHECKS)
    assert (bench.status(PORT), bench.status(PROXY)) == (200, 200)


def test_what_cannot_be_listened_at_is_said_once_and_again_after_it_could(bench):
    bench.servers.failures = {PORT: "address already in use", PROXY: "address already in use"}
    bench.report(CHECKS)
    in_use = "address already in use"
    assert [(event.about, event.reason, event.message) for event, _ in bench.ports.news()] == [
        (
            Key("Node", "", "node-1"), "FailedToStartProxierHealthcheck",
            f"failed to start proxy healthz: listen tcp 0.0.0.0:10256: {in_use}",
        ),
        (
            WEB, "FailedToStartServiceHealthcheck",
            f'node node-1 failed to start healthcheck "default/web" on port 30900: listen tcp 172.18.0.2:30900: {in_use}',
        ),
    ]  # fmt: skip
    bench.report(CHECKS)
    assert (bench.ports.news(), bench.woken) == ([], 1)
    bench.servers.failures = {}
    bench.report(CHECKS)
    bench.servers.failures = {PORT: "address already in use"}
    bench.report(CHECKS)
    assert (len(bench.ports.news()), bench.woken) == (1, 2)


def test_a_process_without_files_goes_on(bench):
    bench.servers.error = OSError(errno.EMFILE, "Too many open files")
    bench.report(CHECKS)
    bench.servers.error = None
    bench.report(CHECKS)
    assert bench.said == ["error: health ports: Too many open files"]
    assert bench.servers.listened == [{PORT, PROXY}]
