"""A machine that is off: what the control plane knows of it at which time, and what a Node says of itself."""

from dataclasses import replace

import pytest

from netlab.desired.node_status import capacity, node_status
from netlab.desired.power import lost_nodes, next_notice, notice, start_machines, stop_machines, stopped_nodes, taints_of
from netlab.model.meta import ObjectMeta
from netlab.model.node import Node, NodeSpec
from netlab.model.taint import Taint
from netlab.model.times import rfc3339
from netlab.netstate.machine import Machine

NOON = 1_769_860_800.0  # 2026-01-31T12:00:00Z
GIB = 1024**3
MACHINE = Machine(
    cpus=2, memory=8 * GIB, memory_available=4 * GIB, disk=100 * GIB, disk_available=50 * GIB, pids=32768, pids_available=30000,
    kernel="6.1.0", architecture="amd64", os_image="Debian", machine_id="m", boot_id="b",
)  # fmt: skip
UNREACHABLE = "node.kubernetes.io/unreachable"


def at(seconds):
    return rfc3339(NOON + seconds)


def a_node(name="node-2", **spec):
    return Node(metadata=ObjectMeta(name=name, creation_timestamp=at(-1000)), spec=NodeSpec(**spec))


def after(build, *steps, **spec):
    """The lab after each (what, seconds) was done."""
    lab = build.lab("node-1", "node-2", **spec)
    for what, seconds in steps:
        match what:
            case "stop":
                lab = stop_machines(lab, ["node-2"], NOON + seconds)
            case "start":
                lab = start_machines(lab, ["node-2"], NOON + seconds)
            case "look":
                lab, _ = notice(lab, NOON + seconds)
            case _:
                raise AssertionError(what)
    return lab


@pytest.mark.parametrize(
    ("steps", "is_off", "is_lost", "due"),
    [
        pytest.param([], False, False, None, id="never stopped"),
        pytest.param([("stop", 0)], True, False, 40, id="just stopped: nobody knows"),
        pytest.param([("stop", 0), ("look", 39)], True, False, 40, id="within the grace period"),
        pytest.param([("stop", 0), ("look", 40)], True, True, None, id="after it"),
        pytest.param([("stop", 0), ("stop", 30)], True, False, 40, id="stopped twice: the first time counts"),
        pytest.param([("stop", 0), ("look", 40), ("look", 80)], True, True, None, id="noticed once"),
        pytest.param([("stop", 0), ("start", 20), ("look", 50)], False, False, None, id="back before anybody noticed"),
        pytest.param([("stop", 0), ("look", 40), ("start", 50)], False, False, None, id="back after that"),
        pytest.param([("start", 5)], False, False, None, id="started without having been stopped"),
        pytest.param([("stop", 0), ("look", 40), ("start", 50), ("stop", 60)], True, False, 100, id="stopped again"),
    ],
)
def test_a_silent_machine_is_noticed_after_the_grace_period(build, steps, is_off, is_lost, due):
    lab = after(build, *steps)
    assert (stopped_nodes(lab) == {"node-2"}, lost_nodes(lab) == {"node-2"}) == (is_off, is_lost)
    assert next_notice(lab) == (None if due is None else NOON + due)


@pytest.mark.parametrize(
    ("given", "due"),
    [
        pytest.param(None, 7, id="the lab's own"),
        pytest.param(3, 3, id="one for this stop"),
        pytest.param(0, 0, id="at once"),
    ],
)
def test_how_long_it_takes_can_be_chosen(build, given, due):
    lab = stop_machines(build.lab("node-1", "node-2", node_monitor_grace_period=7), ["node-2"], NOON, given)
    assert next_notice(lab) == NOON + due


@pytest.mark.parametrize(
    ("spec", "steps", "taints"),
    [
        pytest.param({}, [], [], id="none"),
        pytest.param({"unschedulable": True}, [], ["node.kubernetes.io/unschedulable:NoSchedule"], id="cordoned"),
        pytest.param({}, [("stop", 0), ("look", 39)], [], id="silent, but not for long"),
        pytest.param({}, [("stop", 0), ("look", 40)], [f"{UNREACHABLE}:NoSchedule", f"{UNREACHABLE}:NoExecute"], id="given up"),
        pytest.param({}, [("stop", 0), ("look", 40), ("start", 50)], [], id="back"),
        pytest.param({"taints": (Taint(key="a", effect="NoSchedule"),), "unschedulable": True}, [], ["a:NoSchedule", "node.kubernetes.io/unschedulable:NoSchedule"], id="behind its own"),
    ],
)  # fmt: skip
def test_taints_follow_from_what_is_known(build, spec, steps, taints):
    assert [str(taint) for taint in taints_of(a_node(**spec), after(build, *steps))] == taints


def conditions(build, steps=(), machine=MACHINE, *, is_there=True, now=0.0):
    lab = after(build, *steps)
    status = node_status(
        a_node(),
        lab,
        machine,
        pod_cidrs=("10.244.2.0/24",),
        is_there=is_there,
        versions=("crun://1", "netlab-1"),
        now=NOON + now,
    )
    return {item.type: item for item in status.conditions}


@pytest.mark.parametrize(
    ("steps", "is_there", "ready"),
    [
        pytest.param([], True, ("True", "KubeletReady", at(-100), at(-1000)), id="as it should be, and heard of every five minutes"),
        pytest.param([], False, ("False", "KubeletNotReady", at(-100), at(-100)), id="its namespace was deleted by hand"),
        pytest.param([("stop", -20)], False, ("True", "KubeletReady", at(-20), at(-1000)), id="off, and nobody knows"),
        pytest.param([("stop", -60), ("look", -20)], False, ("Unknown", "NodeStatusUnknown", at(-60), at(-20)), id="given up"),
        pytest.param([("stop", -60), ("look", -20), ("start", -5)], True, ("True", "KubeletReady", at(-5), at(-5)), id="back"),
    ],
)  # fmt: skip
def test_ready_is_what_the_control_plane_knows(build, steps, is_there, ready):
    found = conditions(build, steps, is_there=is_there)["Ready"]
    assert (found.status, found.reason, found.last_heartbeat_time, found.last_transition_time) == ready


@pytest.mark.parametrize(
    ("change", "kind", "found"),
    [
        pytest.param({}, "MemoryPressure", ("False", "KubeletHasSufficientMemory"), id="memory"),
        pytest.param({"memory_available": 99 * 1024**2}, "MemoryPressure", ("True", "KubeletHasInsufficientMemory"), id="less than 100 MiB"),
        pytest.param({}, "DiskPressure", ("False", "KubeletHasNoDiskPressure"), id="disk"),
        pytest.param({"disk_available": 9 * GIB}, "DiskPressure", ("True", "KubeletHasDiskPressure"), id="less than a tenth"),
        pytest.param({}, "PIDPressure", ("False", "KubeletHasSufficientPID"), id="PIDs"),
        pytest.param({"pids_available": 99}, "PIDPressure", ("True", "KubeletHasInsufficientPID"), id="less than a hundred"),
    ],
)  # fmt: skip
def test_pressure_is_the_machines(build, change, kind, found):
    condition = conditions(build, machine=replace(MACHINE, **change))[kind]
    assert (condition.status, condition.reason) == found


def test_a_node_that_cannot_be_reached_has_no_known_condition(build):
    found = conditions(build, [("stop", -60), ("look", -20)])
    assert {(item.status, item.message) for item in found.values()} == {("Unknown", "Kubelet stopped posting node status.")}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("cidrs", "pods"),
    [
        pytest.param(("10.244.2.0/24",), "253", id="as many as there are addresses"),
        pytest.param(("10.244.2.0/30",), "1", id="a small subnet"),
        pytest.param(("fd00:10:244:2::/64", "10.244.2.0/24"), "253", id="the smaller subnet of two"),
        pytest.param(("fd00:10:244:2::/64",), "65533", id="IPv6 alone is no limit"),
        pytest.param((), "0", id="none yet"),
    ],
)
def test_a_node_has_the_whole_machine_and_room_for_as_many_pods_as_addresses(cidrs, pods):
    assert capacity(MACHINE, cidrs) == {"cpu": "2", "ephemeral-storage": "104857600Ki", "memory": "8388608Ki", "pods": pods}
