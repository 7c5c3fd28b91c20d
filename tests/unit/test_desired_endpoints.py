"""Who stands behind a Service: the slices that follow from selectors, and who of them gets traffic (N1, N2)."""

import re
from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import CONTROLLER, MANAGED_BY, MAX_ENDPOINTS, all_slices, derive_slices
from netlab.model.service import EndpointPort, EndpointSlice, ObjectReference


def derived(build, *objects):
    made = build.cluster(*objects)
    return derive_slices(made, assign(made, Assignments()))


def names(slices):
    return {endpoint.target_ref.name for item in slices for endpoint in item.endpoints}


def test_a_slice_as_kubernetes_makes_it(build):
    (item,) = derived(build, build.pod("a"), build.service("web", build.port(80, 8080, "http")))
    assert re.fullmatch(r"web-[0-9a-z]{5}", item.metadata.name)
    assert item.metadata.namespace == "default"
    assert item.metadata.labels == {EndpointSlice.SERVICE_LABEL: "web", MANAGED_BY: CONTROLLER}
    (owner,) = item.metadata.owner_references
    assert (owner.api_version, owner.kind, owner.name, owner.uid) == ("v1", "Service", "web", "uid-default-web")
    assert item.ports == (EndpointPort(name="http", port=8080, protocol="TCP"),)
    (endpoint,) = item.endpoints
    assert (endpoint.addresses, endpoint.node_name, endpoint.hostname) == (("10.244.1.2",), "node-1", "")
    assert endpoint.target_ref == ObjectReference(name="a", namespace="default", uid="uid-default-a")


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        pytest.param({}, (True, True, False), id="runs"),
        pytest.param({"state": "waiting"}, (False, False, False), id="a container waits"),
        pytest.param({"phase": "Pending", "state": "waiting"}, (False, False, False), id="pending"),
        pytest.param({"deleting": True}, (False, True, True), id="runs, is being deleted"),
        pytest.param({"deleting": True, "state": "terminated"}, (False, False, True), id="has ended, is being deleted"),
    ],
)
def test_conditions(build, pod, found):
    (item,) = derived(build, build.pod("a", **pod), build.service("web", 80))
    made = item.endpoints[0].conditions
    assert (made.ready, made.serving, made.terminating) == found


def test_unready_endpoints_are_published_on_request(build):
    pods = (build.pod("a", state="waiting"), build.pod("b", phase="Failed"))
    (item,) = derived(build, *pods, build.service("web", 80, publish_not_ready_addresses=True))
    assert names([item]) == {"a"}
    assert (item.endpoints[0].conditions.ready, item.endpoints[0].conditions.serving) == (True, False)


@pytest.mark.parametrize(
    ("pod", "selected"),
    [
        pytest.param({}, True, id="labelled"),
        pytest.param({"app": "other"}, False, id="labelled otherwise"),
        pytest.param({"app": ""}, False, id="not labelled"),
        pytest.param({"namespace": "shop"}, False, id="of another namespace"),
        pytest.param({"node": "node-9"}, False, id="bound to no Node, without an address"),
        pytest.param({"phase": "Succeeded", "state": "terminated"}, False, id="succeeded"),
        pytest.param({"phase": "Failed", "state": "terminated"}, False, id="failed"),
    ],
)
def test_which_pods_are_selected(build, pod, selected):
    assert bool(names(derived(build, build.pod("a", **pod), build.service("web", 80)))) is selected


@pytest.mark.parametrize(
    ("service", "count"),
    [
        pytest.param({}, 1, id="a selector nobody answers: one empty slice"),
        pytest.param({"app": ""}, 0, id="no selector"),
        pytest.param({"type": "ExternalName", "external_name": "example.org"}, 0, id="ExternalName"),
        pytest.param({"cluster_ip": "None"}, 1, id="headless"),
    ],
)
def test_which_services_have_slices(build, service, count):
    found = derived(build, build.service("web", 80, **service))
    assert len(found) == count
    assert all(item.endpoints == () for item in found)


def test_a_named_port_may_differ_from_pod_to_pod(build):
    pods = (build.pod("a", ports=(("web", 8080),)), build.pod("b", ports=(("web", 8081),)), build.pod("c"))
    found = derived(build, *pods, build.service("web", build.port(80, "web", "http")))
    assert {tuple(port.port for port in item.ports): names([item]) for item in found} == {
        (8080,): {"a"},
        (8081,): {"b"},
        (): {"c"},  # as in Kubernetes: an endpoint without the port; a headless Service still has its address
    }
    assert len({item.metadata.name for item in found}) == 3


def test_a_named_port_is_one_of_the_same_protocol(build):
    pod = build.pod("a", ports=(("dns", 53, "UDP"), ("dns", 5353, "TCP")))
    (item,) = derived(build, pod, build.service("web", build.port(53, "dns", "dns", "TCP")))
    assert item.ports[0].port == 5353


def test_the_port_is_the_target_port_if_none_is_given(build):
    assert derived(build, build.pod("a"), build.service("web", 6379))[0].ports[0].port == 6379


@pytest.mark.parametrize(("count", "sizes"), [(MAX_ENDPOINTS, [100]), (MAX_ENDPOINTS + 1, [1, 100]), (250, [50, 100, 100])])
def test_a_slice_has_at_most_100_endpoints(build, count, sizes):
    found = derived(build, *(build.pod(f"p{n:03}") for n in range(count)), build.service("web", 80))
    assert sorted(len(item.endpoints) for item in found) == sizes
    assert len(names(found)) == count
    assert len({item.metadata.name for item in found}) == len(sizes)


@pytest.mark.parametrize(
    ("pod", "hostname"),
    [
        pytest.param({"hostname": "db-0", "subdomain": "web"}, "db-0", id="of this Service"),
        pytest.param({"hostname": "db-0", "subdomain": "other"}, "", id="of another Service"),
        pytest.param({"hostname": "db-0"}, "", id="of none"),
    ],
)
def test_hostnames(build, pod, hostname):
    (item,) = derived(build, build.pod("a", **pod), build.service("web", 80, cluster_ip="None"))
    assert item.endpoints[0].hostname == hostname


def test_the_order_of_objects_does_not_matter(build):
    objects = [*(build.pod(f"p{n}") for n in range(9)), build.service("a", 80), build.service("b", 80)]
    assert derived(build, *objects) == derived(build, *reversed(objects))


def test_derived_slices_replace_older_ones_and_join_the_hand_written(build):
    hand = build.slice_of("web", "198.51.100.7", ports=({"port": 80},))
    made = build.cluster(build.pod("a"), build.service("web", 80), hand)
    chosen = assign(made, Assignments())
    old = [replace(item, endpoints=()) for item in derive_slices(made, chosen)]
    assert all_slices(made.with_objects(old), chosen) == all_slices(made, chosen)
    assert len(all_slices(made, chosen)) == 2


@pytest.mark.parametrize(
    ("wish", "zones", "nodes"),
    [
        pytest.param("", [], [], id="no wish"),
        pytest.param("PreferClose", ["east"], [], id="PreferClose"),
        pytest.param("PreferSameZone", ["east"], [], id="PreferSameZone"),
        pytest.param("PreferSameNode", ["east"], ["node-1"], id="PreferSameNode"),
    ],
)
def test_endpoints_are_meant_for_the_clients_near_them(build, wish, zones, nodes):
    of = build.lab(labels={"node-1": {"topology.kubernetes.io/zone": "east"}})
    made = build.cluster(build.pod("a", node="node-1"), build.service("web", 80, traffic_distribution=wish), of=of)
    [item] = derive_slices(made, assign(made, Assignments()))
    [endpoint] = item.endpoints
    hints = endpoint.hints
    assert endpoint.zone == "east"
    assert [zone.name for zone in hints.for_zones] == zones if hints else not zones
    assert [node.name for node in hints.for_nodes] == nodes if hints else not nodes
