"""The zone of a cluster as text: one golden file for each idea (N9)."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from netlab.desired.zone import TTL_S, reverse_zones, zone
from netlab.dns.records import parse
from netlab.dns.wire import Type
from netlab.model.lab import Cluster, Lab, LabSpec
from netlab.model.meta import Key, ObjectMeta
from netlab.model.node import Namespace
from netlab.model.service import (
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
    ServiceSpec,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "zones"
NOT_READY = EndpointConditions(ready=False)
HTTP = (ServicePort(port=80, name="http"),)
DNS_IP = {Key("Service", "kube-system", "kube-dns"): ("10.96.0.10",)}


def service(name, namespace="shop", **spec):
    return Service(metadata=ObjectMeta(name=name, namespace=namespace), spec=ServiceSpec(**spec))


def slice_of(name, *endpoints, namespace="shop", ports=(EndpointPort(port=6379, name="redis"),), suffix="abcde", family="IPv4"):
    meta = ObjectMeta(name=f"{name}-{suffix}", namespace=namespace, labels={EndpointSlice.SERVICE_LABEL: name})
    return EndpointSlice(metadata=meta, address_type=family, endpoints=endpoints, ports=ports)


def endpoint(ip, hostname="", conditions=None):
    return Endpoint(addresses=(ip,), hostname=hostname, conditions=conditions or EndpointConditions())


def zone_of(*services, slices=(), ips=None, spec=None, namespaces=()):
    cluster = Cluster(lab=Lab(metadata=ObjectMeta(name="lab"), spec=spec or LabSpec()))
    extra = [Namespace(metadata=ObjectMeta(name=name)) for name in namespaces]
    given = {item.key: (f"10.96.0.{n}",) for n, item in enumerate(services, 20) if item.has_cluster_ip}
    return zone(cluster.with_objects([*services, *extra]), slices, given if ips is None else ips)


DB = slice_of("db", endpoint("10.244.1.5", "db-0"), endpoint("10.244.2.7"), endpoint("10.244.2.8", conditions=NOT_READY))
CASES = {
    "a_virtual_ip_has_a_name_and_its_named_ports": lambda: zone_of(
        service("web", ports=(*HTTP, ServicePort(port=53, name="dns", protocol="UDP"), ServicePort(port=443)))
    ),
    "a_virtual_ip_needs_no_endpoint": lambda: zone_of(service("web", ports=HTTP), slices=[slice_of("web")]),
    "a_headless_service_is_its_ready_endpoints": lambda: zone_of(service("db", cluster_ip="None"), slices=[DB]),
    "unready_endpoints_are_published_on_request": lambda: zone_of(
        service("db", cluster_ip="None", publish_not_ready_addresses=True), slices=[DB]
    ),
    "a_headless_service_without_endpoints_has_no_name": lambda: zone_of(service("db", cluster_ip="None")),
    "an_endpoint_in_two_slices_is_one_endpoint": lambda: zone_of(
        service("db", cluster_ip="None"),
        slices=[slice_of("db", endpoint("10.244.1.5")), slice_of("db", endpoint("10.244.1.5"), suffix="fghij")],
    ),
    "a_handwritten_slice_may_lead_out_of_the_cluster": lambda: zone_of(
        service("legacy", cluster_ip="None"), slices=[slice_of("legacy", endpoint("198.51.100.7"))]
    ),
    "a_dual_stack_service_has_addresses_of_both_families": lambda: zone_of(
        service("web", ports=HTTP),
        ips={**DNS_IP, Key("Service", "shop", "web"): ("10.96.0.20", "fd00:10:96::14")},
        spec=LabSpec(pod_subnet="10.244.0.0/16,fd00:10:244::/56", service_subnet="10.96.0.0/16,fd00:10:96::/112"),
    ),
    "an_endpoint_with_a_hostname_has_one_name_for_both_families": lambda: zone_of(
        service("db", cluster_ip="None"),
        slices=[
            slice_of("db", endpoint("10.244.1.5", "db-0"), endpoint("10.244.1.6")),
            slice_of("db", endpoint("fd00:10:244:1::5", "db-0"), endpoint("fd00:10:244:1::6"), suffix="fghij", family="IPv6"),
        ],
    ),
    "an_external_name_is_an_alias": lambda: zone_of(service("wiki", type="ExternalName", external_name="En.Wikipedia.org")),
    "an_empty_cluster_knows_itself": lambda: zone_of(namespaces=("default", "kube-system"), ips=DNS_IP),
    "a_domain_and_subnets_of_ones_own": lambda: zone_of(
        service("web", ports=HTTP),
        spec=LabSpec(cluster_domain="lab.test", service_subnet="10.96.0.0/15", pod_subnet="10.128.0.0/17"),
    ),
}


@pytest.mark.parametrize("name", [pytest.param(name, id=name.replace("_", " ")) for name in CASES])
def test_zone(name):
    golden = GOLDEN / f"{name}.zone"
    assert str(CASES[name]()) == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_the_dns_program_reads_every_zone_completely(name):
    made = CASES[name]()
    read = parse(str(made))
    for record in made.records:
        assert (Type[record.type], TTL_S, record.data) in read.find(record.name)
    assert len(read) == len(list(made.records)) + 2 * str(made).count(
        "; namespace "
    )  # whose two names are there without records
    assert read.domain == made.domain


def test_the_order_of_objects_does_not_matter():
    both = [service("a", ports=HTTP), service("b", ports=HTTP)]
    ips = {item.key: (f"10.96.0.{n}",) for n, item in enumerate(both, 20)}
    assert str(zone_of(*both, ips=ips)) == str(zone_of(*reversed(both), ips=ips))


def test_what_is_said_of_a_service_follows_it():
    """Most Services are told as they were in the zone made before; a changed one, one that moved and a gone one are not."""
    many = [service(name, ports=HTTP) for name in "abc"]
    ips = {item.key: (f"10.96.0.{n}",) for n, item in enumerate(many, 20)}
    first = str(zone_of(*many, ips=ips))
    assert "_https._tcp.a" in str(zone_of(service("a", ports=(ServicePort(port=443, name="https"),)), *many[1:], ips=ips))
    assert "10.96.0.99" in str(zone_of(*many, ips=ips | {many[1].key: ("10.96.0.99",)}))
    assert "; shop/c" not in str(zone_of(*many[:2], ips=ips))
    assert "a.shop.svc.lab.test." in str(zone_of(*many, ips=ips, spec=LabSpec(cluster_domain="lab.test")))
    assert str(zone_of(*many, ips=ips)) == first


def test_endpoints_come_and_go_with_readiness():
    db = service("db", cluster_ip="None")
    for conditions, count in ((None, 1), (NOT_READY, 0), (None, 1)):
        made = zone_of(db, slices=[slice_of("db", endpoint("10.244.1.5", conditions=conditions))])
        assert str(made).count("db.shop.svc.cluster.local. 5 IN A 10.244.1.5") == 2 * count  # its own name ends so too


def test_the_serial_follows_the_content():
    one, other = zone_of(service("a")), zone_of(service("b"))
    assert one.serial != other.serial
    assert one.serial == zone_of(service("a")).serial


def test_a_name_too_long_for_dns_is_left_out():
    domain = ".".join(["d" * 59] * 4)
    made = zone_of(service("web", ports=HTTP), spec=LabSpec(cluster_domain=domain))
    read = parse(str(made))
    assert read.find(f"web.shop.svc.{domain}.") is not None
    assert read.find(f"_http._tcp.web.shop.svc.{domain}.") is None


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(service("web", ports=(ServicePort(port=80, name="p" * 63),)), id="a port's name, with its underscore"),
        pytest.param(service("wiki", type="ExternalName", external_name=f"{'a' * 64}.test"), id="a label elsewhere"),
        pytest.param(service("wiki", type="ExternalName", external_name="a..test"), id="an empty label elsewhere"),
    ],
)
def test_what_no_dns_message_can_hold_takes_nothing_else_with_it(wrong):
    read = parse(str(zone_of(wrong, service("other", ports=HTTP))))
    assert read.find("other.shop.svc.cluster.local.")
    assert len(read) == len(parse(str(zone_of(service("other", ports=HTTP))))) + 2 * (wrong.metadata.name == "web")  # A and PTR


@pytest.mark.parametrize(
    ("subnet", "zones"),
    [
        pytest.param("10.96.0.0/16", ["96.10.in-addr.arpa."], id="two whole labels"),
        pytest.param("10.96.0.0/15", ["96.10.in-addr.arpa.", "97.10.in-addr.arpa."], id="cut at the next label"),
        pytest.param("10.244.3.128/25", [f"{n}.3.244.10.in-addr.arpa." for n in range(128, 256)], id="single addresses"),
        pytest.param("fd00:10::/112", ["0.0.0.0." * 5 + "0.1.0.0.0.0.d.f.ip6.arpa."], id="IPv6, by half bytes"),
    ],
)
def test_reverse_zones(subnet, zones):
    assert reverse_zones(ip_network(subnet)) == zones
