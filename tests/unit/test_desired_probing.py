"""What follows from the answers of probes: which are asked, when a row of answers is a verdict, who is ready."""

from __future__ import annotations

import pytest

from netlab.desired.assignments import Assignments, NodeAssignment, PodAssignment
from netlab.desired.probing import (
    History,
    Place,
    asked,
    check_of,
    counted,
    has_started,
    health_after,
    is_ready,
    patients,
    verdict,
)  # fmt: skip
from netlab.errors import NetlabError
from netlab.model.container import Container, ContainerPort
from netlab.model.meta import Key, ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import PodStatus
from netlab.model.probe import ExecAction, HTTPGetAction, HTTPHeader, Probe, TCPSocketAction
from netlab.netstate.health import ExecCheck, Health, HttpCheck, TcpCheck
from netlab.netstate.names import NetnsName
from netlab.netstate.process import ContainerRun, SandboxStatus

PROBE = Probe(tcp_socket=TCPSocketAction(port=80))
PLACE = Place(NetnsName("lab.node-1"), "10.244.1.2")
NOW = 1000.0


@pytest.mark.parametrize(
    ("kinds", "health", "deleting", "expected"),
    [
        pytest.param(("startup", "liveness", "readiness"), Health(), False, ["startup"], id="startup holds back the others"),
        pytest.param(("startup", "liveness"), Health(started=True), False, ["liveness"], id="startup is asked no more"),
        pytest.param(("liveness", "readiness"), Health(), False, ["liveness", "readiness"], id="nothing holds them back"),
        pytest.param(("liveness", "readiness"), Health(failed="liveness"), False, [], id="it is about to be ended"),
        pytest.param(("liveness", "readiness"), Health(), True, ["readiness"], id="deleting: readiness goes on"),
        pytest.param(("startup", "readiness"), Health(), True, [], id="deleting before it has started"),
    ],
)
def test_asked(kinds, health, deleting, expected):
    assert asked(dict.fromkeys(kinds, PROBE), health, deleting=deleting) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param("+", None, id="one success is not enough for successThreshold 2"),
        pytest.param("++", True, id="two are"),
        pytest.param("+-+", None, id="not in a row"),
        pytest.param("--", None, id="two failures are not enough for failureThreshold 3"),
        pytest.param("---", False, id="three are"),
        pytest.param("----", False, id="so are more"),
        pytest.param("--+---", False, id="a success begins the row anew"),
    ],
)
def test_verdict(answers, expected):
    history = History()
    for answer in answers:
        history = counted(history, answer == "+")
    assert verdict(Probe(success_threshold=2, failure_threshold=3), history) is expected


@pytest.mark.parametrize(
    ("kind", "before", "success", "after"),
    [
        pytest.param("startup", Health(), True, Health(started=True, since=NOW), id="it has started"),
        pytest.param("startup", Health(), False, Health(failed="startup"), id="it did not start"),
        pytest.param("liveness", Health(ready=True, since=5), True, Health(ready=True, since=5), id="it lives: no news"),
        pytest.param("liveness", Health(ready=True, since=5), False, Health(ready=True, since=5, failed="liveness"), id="dead"),
        pytest.param("readiness", Health(), True, Health(ready=True, since=NOW), id="it became ready"),
        pytest.param("readiness", Health(ready=True, since=5), True, Health(ready=True, since=5), id="it is ready still"),
        pytest.param("readiness", Health(ready=True, since=5), False, Health(since=NOW), id="it is ready no more"),
    ],
)
def test_health_after(kind, before, success, after):
    assert health_after(kind, before, success, NOW) == after


@pytest.mark.parametrize(
    ("probes", "health", "started", "ready"),
    [
        pytest.param((), Health(), True, True, id="without probes it is ready when it runs"),
        pytest.param(("liveness_probe",), Health(), True, True, id="a liveness probe does not hold it back"),
        pytest.param(("startup_probe",), Health(), False, False, id="not started"),
        pytest.param(("startup_probe",), Health(started=True), True, True, id="started, and no readiness probe"),
        pytest.param(("readiness_probe",), Health(), True, False, id="not ready until its probe says so"),
        pytest.param(("readiness_probe",), Health(ready=True), True, True, id="ready"),
        pytest.param(("startup_probe", "readiness_probe"), Health(ready=True), False, False, id="both are needed"),
    ],
)
def test_started_and_ready(probes, health, started, ready):
    container = Container(name="c", image="host", **dict.fromkeys(probes, PROBE))
    run = ContainerRun(name="c", attempt=0, state="running", health=health)
    assert (has_started(container, run), is_ready(container, run)) == (started, ready)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        pytest.param(
            Probe(exec=ExecAction(command=("true",))),
            ExecCheck(uid="u", container="c", attempt=2, args=("true",), kind="liveness"),
            id="a command of this very run",
        ),
        pytest.param(PROBE, TcpCheck(netns=PLACE.netns, host="10.244.1.2", port=80), id="the Pod's address"),
        pytest.param(
            Probe(tcp_socket=TCPSocketAction(port="web", host="127.0.0.1")),
            TcpCheck(netns=PLACE.netns, host="127.0.0.1", port=8080),
            id="a port by name, another host",
        ),
        pytest.param(
            Probe(
                http_get=HTTPGetAction(port=443, path="ok", scheme="HTTPS", http_headers=(HTTPHeader(name="Host", value="a"),))
            ),
            HttpCheck(netns=PLACE.netns, host="10.244.1.2", port=443, path="/ok", tls=True, headers=(("Host", "a"),)),
            id="https, with a header",
        ),
    ],
)
def test_what_a_probe_asks(probe, expected):
    container = Container(name="c", image="host", ports=(ContainerPort(name="web", container_port=8080),))
    assert check_of("u", container, 2, probe, PLACE, kind="liveness") == expected


def test_a_port_that_the_container_does_not_have():
    with pytest.raises(NetlabError, match="couldn't find port: web in container c"):
        check_of(
            "u", Container(name="c", image="host"), 0, Probe(tcp_socket=TCPSocketAction(port="web")), PLACE, kind="startup"
        )


def found_patients(run=None, *, alive=True, probe=PROBE, phase="Running", deletion=""):
    pod = Pod(
        metadata=ObjectMeta(name="web", namespace="default", uid="u", deletion_timestamp=deletion),
        spec=PodSpec(containers=(Container(name="c", image="host", readiness_probe=probe),)),
        status=PodStatus(phase=phase),
    )
    assignments = Assignments(
        nodes={"node-1": NodeAssignment(ips=("172.18.0.2",), pod_cidrs=("10.244.1.0/24",))},
        pods={pod.key: PodAssignment(node="node-1", ips=("10.244.1.2",))},
    )
    seen = {"u": SandboxStatus(uid="u", alive=alive, runs=(run,) if run else ())}
    return list(patients([pod], seen, assignments, "lab"))


RUNS = ContainerRun(name="c", attempt=1, state="running", started_at=7.0)


def test_a_patient_is_a_run_with_a_probe():
    (one,) = found_patients(RUNS, deletion="2026-01-31T12:00:00Z")
    assert (one.about, one.uid, one.container, one.attempt, one.started_at) == (Key("Pod", "default", "web"), "u", "c", 1, 7.0)
    assert one.checks == {"readiness": TcpCheck(netns=PLACE.netns, host=PLACE.ip, port=80)}
    assert one.deleting


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"probe": None}, id="it has no probe"),
        pytest.param({"run": None}, id="it was never started"),
        pytest.param({"run": ContainerRun(name="c", attempt=0, state="exited", exit_code=0)}, id="it has ended"),
        pytest.param({"run": ContainerRun(name="c", attempt=0, state="running", stopping_at=1.0)}, id="it is being ended"),
        pytest.param({"alive": False}, id="its sandbox is gone"),
        pytest.param({"phase": "Failed"}, id="its Pod is over"),
    ],
)
def test_nobody_is_asked(facts):
    assert found_patients(**{"run": RUNS} | facts) == []
