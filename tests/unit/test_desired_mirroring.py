"""Endpoints and slices, each made from the other: what is mirrored, what is not, and what `get endpoints` shows."""

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.mirroring import CONTROLLER, MANAGED_BY, MAX_ADDRESSES, derive_endpoints
from netlab.desired.published import published
from netlab.desired.zone import zone
from netlab.model.endpoints import EndpointAddress, Endpoints, EndpointSubset
from netlab.model.meta import ObjectMeta, OwnerReference
from netlab.model.service import EndpointConditions, EndpointPort, ObjectReference

HTTP, METRICS = EndpointPort(port=8080, name="http"), EndpointPort(port=9090, name="metrics")


def subset(*ips, waiting=(), ports=(HTTP,)):
    ready, others = (tuple(EndpointAddress(ip=ip) for ip in some) for some in (ips, waiting))
    return EndpointSubset(addresses=ready, not_ready_addresses=others, ports=tuple(ports))


def endpoints(*subsets, name="db", labels=None, annotations=None):
    meta = ObjectMeta(
        name=name,
        namespace="default",
        uid=f"uid-{name}",
        labels=labels or {},
        annotations=annotations or {},
        creation_timestamp="2026-01-31T12:00:00Z",
    )
    return Endpoints(metadata=meta, subsets=subsets)


@pytest.fixture
def mirrored(build):
    """The slices of Endpoints beside a Service without a selector, if it is not said otherwise."""

    def slices(item, **service):
        made = build.cluster(item, build.service("db", build.port(80, name="http"), **{"app": "", **service}))
        return all_slices(made, assign(made, Assignments()))

    return slices


def said(slices):
    """What every slice holds: family, ports, and each address with a mark if it is not ready."""
    return [
        (
            item.address_type,
            [port.name for port in item.ports],
            [one.addresses[0] + ("" if one.conditions.ready else "!") for one in item.endpoints],
        )
        for item in slices
    ]


def test_a_slice_as_kubernetes_mirrors_it(mirrored):
    pod = ObjectReference(name="db-0", namespace="default", uid="u")
    address = EndpointAddress(ip="10.0.0.7", hostname="db-0", node_name="node-1", target_ref=pod)
    labels = {"team": "data", MANAGED_BY: "somebody", "kubernetes.io/service-name": "other"}
    annotations = {"note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    part = EndpointSubset(addresses=(address,), ports=(HTTP,))
    (item,) = mirrored(endpoints(part, labels=labels, annotations=annotations))
    assert item.metadata.name.startswith("db-")
    assert item.metadata.labels == {"team": "data", MANAGED_BY: CONTROLLER, "kubernetes.io/service-name": "db"}
    assert item.metadata.annotations == {"note": "kept"}
    assert item.metadata.owner_references == (OwnerReference(api_version="v1", kind="Endpoints", name="db", uid="uid-db"),)
    assert item.metadata.creation_timestamp == "2026-01-31T12:00:00Z"
    (one,) = item.endpoints
    assert (one.addresses, one.hostname, one.node_name, one.target_ref) == (("10.0.0.7",), "db-0", "node-1", pod)


@pytest.mark.parametrize(
    ("subsets", "found"),
    [
        pytest.param([], [], id="no subset: no slice"),
        pytest.param(
            [subset("10.0.0.1", waiting=["10.0.0.2"])], [("IPv4", ["http"], ["10.0.0.1", "10.0.0.2!"])], id="some not ready"
        ),
        pytest.param(
            [subset("10.0.0.1"), subset("10.0.0.2", ports=(METRICS,))],
            [("IPv4", ["http"], ["10.0.0.1"]), ("IPv4", ["metrics"], ["10.0.0.2"])],
            id="one slice for each set of ports",
        ),
        pytest.param(
            [subset("10.0.0.1", ports=(METRICS, HTTP)), subset("10.0.0.2", ports=(HTTP, METRICS))],
            [("IPv4", ["http", "metrics"], ["10.0.0.1", "10.0.0.2"])],
            id="the order of ports makes no other set",
        ),
        pytest.param(
            [subset("10.0.0.1", "fd00::1")],
            [("IPv4", ["http"], ["10.0.0.1"]), ("IPv6", ["http"], ["fd00::1"])],
            id="one slice for each family",
        ),
        pytest.param([subset("10.0.0.1", ports=())], [("IPv4", [], ["10.0.0.1"])], id="no ports"),
        pytest.param(
            [subset("10.0.0.1"), subset(waiting=["10.0.0.1"])], [("IPv4", ["http"], ["10.0.0.1!"])], id="twice the same address"
        ),
    ],
)
def test_what_is_mirrored(mirrored, subsets, found):
    assert sorted(said(mirrored(endpoints(*subsets)))) == found


@pytest.mark.parametrize(
    ("item", "service", "count"),
    [
        pytest.param({}, {}, 1, id="mirrored"),
        pytest.param({"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}, {}, 0, id="not to be mirrored"),
        pytest.param({"labels": {"endpointslice.kubernetes.io/skip-mirror": "false"}}, {}, 1, id="to be mirrored"),
        pytest.param(
            {"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}, {}, 0, id="a leader is elected by it"
        ),
        pytest.param({"name": "other"}, {}, 0, id="of no Service"),
    ],
)
def test_which_endpoints_are_mirrored(mirrored, item, service, count):
    assert len(mirrored(endpoints(subset("10.0.0.1"), **item), **service)) == count


def test_the_slices_of_a_service_with_a_selector_are_those_of_its_pods(mirrored):
    assert said(mirrored(endpoints(subset("10.0.0.1")), app="web")) == [("IPv4", [], [])]


def test_at_most_1000_addresses_of_a_subset_count_the_ready_ones_first(mirrored):
    many = [f"10.0.{n // 250}.{n % 250 + 1}" for n in range(MAX_ADDRESSES + 200)]
    part, more = subset(*many[:990], waiting=many[990:]), subset("10.9.9.9")
    slices = mirrored(endpoints(part, more))
    assert [len(item.endpoints) for item in sorted(slices, key=lambda item: -len(item.endpoints))] == [MAX_ADDRESSES, 1]
    assert len({item.metadata.name for item in slices}) == 2
    ready = [one.addresses[0] for item in slices for one in item.endpoints if one.conditions.ready]
    assert sorted(ready) == sorted([*many[:990], "10.9.9.9"])


def test_a_name_of_a_headless_service_follows_its_endpoints(build):
    address = EndpointAddress(ip="10.0.0.7", hostname="db-0")
    item = endpoints(EndpointSubset(addresses=(address,), ports=(HTTP,)))
    made = build.cluster(item, build.service("db", build.port(80, name="http"), app="", cluster_ip="None"))
    text = str(zone(made, all_slices(made, Assignments()), {}))
    assert "db-0" in text
    assert "10.0.0.7" in text


# The other way: the Endpoints of Services with a selector ------------------------------------------------------------------


@pytest.fixture
def shown(build):
    """The Endpoints that users see, by name."""

    def found(*objects, of=None):
        made = build.cluster(*objects, of=of)
        seen = published(made, assign(made, Assignments()), 0.0)
        return {item.metadata.name: item for item in seen.of_kind(Endpoints)}

    return found


def ips(addresses):
    return [address.ip for address in addresses]


def test_endpoints_as_kubernetes_makes_them(build, shown):
    pods = [
        build.pod("b"),
        build.pod("a", hostname="a", subdomain="web"),
        build.pod("c", state="waiting"),
        build.pod("d", deleting=True),
    ]
    item = shown(*pods, build.service("web", build.port(80, 8080, "http")))["web"]
    (part,) = item.subsets
    assert part.ports == (HTTP,)
    assert ips(part.addresses) == sorted(ips(part.addresses))
    assert [one.target_ref.name for one in (*part.addresses, *part.not_ready_addresses)] == ["a", "b", "c"]
    assert [one.hostname for one in part.addresses] == ["a", ""]
    assert all(one.node_name for one in part.addresses)


@pytest.mark.parametrize(
    ("service", "count"),
    [
        pytest.param({}, 0, id="nobody answers: no subsets"),
        pytest.param({"app": ""}, None, id="no selector: none"),
        pytest.param({"type": "ExternalName", "external_name": "example.org"}, None, id="ExternalName: none"),
    ],
)
def test_which_services_have_endpoints(build, shown, service, count):
    found = shown(build.service("web", 80, **service)).get("web")
    assert (len(found.subsets) if found else None) == count


def test_pods_with_other_numbers_are_another_subset(build, shown):
    pods = [build.pod("a", ports=[("http", 8080)]), build.pod("b", ports=[("http", 9090)])]
    item = shown(*pods, build.service("web", build.port(80, "http", "http")))["web"]
    assert sorted(part.ports[0].port for part in item.subsets) == [8080, 9090]


def test_endpoints_are_of_the_primary_family(build, shown):
    service = build.service("web", 80, ip_family_policy="PreferDualStack", ip_families=("IPv6", "IPv4"))
    item = shown(build.pod("a"), service, of=build.lab(ip_family="dual"))["web"]
    assert [":" in ip for part in item.subsets for ip in ips(part.addresses)] == [True]


def test_those_of_a_headless_service_say_so(build, shown):
    item = shown(build.service("web", 80, cluster_ip="None"))["web"]
    assert item.metadata.labels == {"service.kubernetes.io/headless": ""}


def test_hand_written_ones_are_shown_unless_the_service_has_a_selector(build, shown):
    written = endpoints(subset("10.0.0.1"))
    assert shown(written, build.service("db", 80, app=""))["db"] == written
    assert shown(written, build.service("db", 80))["db"].subsets == ()


def test_only_so_many_addresses_are_shown(build):
    many = [(f"10.0.{n // 250}.{n % 250 + 1}", EndpointConditions(ready=n % 2 == 0)) for n in range(MAX_ADDRESSES + 10)]
    service = build.service("web", 80, ip_families=("IPv4",))
    slices = [build.slice_of("web", *many, ports=[{"port": 80}])]
    (item,) = derive_endpoints([service], slices)
    (part,) = item.subsets
    assert (len(part.addresses), len(part.not_ready_addresses)) == (505, 495)
