"""What is remembered of a lab makes nothing different: after any change the state is the one that is worked out anew."""

import copy
import random
from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.remembered import PORTION

EVERYWHERE = ("a", "b", "c")


def some_service(build, chance, number):
    port = build.port(80, 8080, "http", protocol=chance.choice(["TCP", "UDP"]))
    app = chance.choice(["", *EVERYWHERE])
    more = chance.choice(
        [
            {},
            {"type": "NodePort"},
            {"type": "LoadBalancer", "external_traffic_policy": "Local", "load_balancer_source_ranges": ("10.0.0.0/8",)},
            {"session_affinity": "ClientIP"},
            {"internal_traffic_policy": "Local"},
            {"external_ips": ("192.0.2.7",)},
            {"cluster_ip": "None"},
        ]
    )
    return build.service(f"s{number}", port, app=app, **more)


def some_slice(build, chance, number):
    addresses = (f"10.9.{number}.{chance.randint(1, 4)}" for _ in range(chance.randint(0, 3)))
    return build.slice_of(
        f"s{number}",
        *dict.fromkeys(addresses),
        ports=[{"port": 8080, "name": "http", "protocol": chance.choice(["TCP", "UDP"])}],
    )


def some_pod(build, chance, number):
    return build.pod(f"p{number}", app=chance.choice(EVERYWHERE), state=chance.choice(["running", "waiting"]), node="node-1")


def must_be_worked_out_the_same(seen):
    """Each (cluster, earlier choices, choices, state) that was found on the way is what follows from objects that nobody knows.

    Only when all of them are found: to ask about others in between would put those in the places of what is kept.
    """
    for cluster, earlier, given, state in seen:
        others = copy.deepcopy(cluster)
        assert assign(others, copy.deepcopy(earlier)) == given
        found = compile_net(others, copy.deepcopy(given))
        assert found == state
        assert str(found) == str(state)


@pytest.mark.parametrize("seed", range(4))
def test_any_change(build, seed):
    chance = random.Random(seed)
    cluster, given, seen = build.cluster(), Assignments(), []
    for _ in range(60):
        kind, number = chance.choice([some_service, some_slice, some_pod]), chance.randint(0, 9)
        if chance.random() < 0.2:
            keys = sorted(key for key in cluster.objects if key.kind != "Node")
            cluster = cluster.without([chance.choice(keys)] if keys else [])
        elif chance.random() < 0.1:
            mode = chance.choice(["VIP", "Proxy"])
            spec = replace(cluster.lab.spec, mtu=chance.randint(1300, 1500), load_balancer_ip_mode=mode)
            cluster = cluster.with_lab(replace(cluster.lab, spec=spec))
        else:
            cluster = cluster.with_objects([kind(build, chance, number)])
        earlier, given = given, assign(cluster, given)
        seen.append((cluster, earlier, given, compile_net(cluster, given)))
    must_be_worked_out_the_same(seen)


def test_services_that_come_go_and_change_among_many(build):
    """More than are looked at together."""
    services = [build.service(f"s{number:04}", 80, app="") for number in range(2 * PORTION + 1)]
    slices = [build.slice_of(f"s{number:04}", f"10.9.0.{number}", ports=[{"port": 80}]) for number in range(2 * PORTION + 1)]
    cluster = build.cluster(*services, *slices)
    given, seen = assign(cluster, Assignments()), []
    compile_net(cluster, given)
    moved = build.slice_of("s0007", "10.8.8.8", "10.8.8.9", ports=[{"port": 80}])
    both = [build.slice_of(f"s{number:04}", "10.8.8.8", ports=[{"port": 80}]) for number in (7, 2 * PORTION)]
    for change in (
        lambda made: made.with_objects([moved]),
        lambda made: made.with_objects(both),
        lambda made: made.without([services[3].key]),
        lambda made: made.with_objects([build.service("s0000a", 81, app="")]),
        lambda made: made.without([slices[-1].key]),
    ):
        cluster = change(cluster)
        earlier, given = given, assign(cluster, given)
        seen.append((cluster, earlier, given, compile_net(cluster, given)))
    must_be_worked_out_the_same(seen)
