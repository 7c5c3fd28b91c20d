"""How many virtual IPs a Service has, of which families, in which order; and which wishes a lab cannot grant."""

import pytest

from netlab.desired.addons import cluster_dns
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.published import published_service
from netlab.desired.resolver import KUBE_DNS
from netlab.desired.service_families import service_families
from netlab.errors import Conflict
from netlab.manifest.address_rules import family_problems
from netlab.model.families import family_of
from netlab.model.meta import Key

V4, V6, BOTH, TURNED = ("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")
SINGLE, PREFER, REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
WEB = Key("Service", "default", "web")


def assigned(build, lab, spec, earlier=None):
    return assign(build.cluster(build.service("web", 80, **spec), of=build.lab(ip_family=lab)), earlier or Assignments())


@pytest.mark.parametrize(
    ("lab", "spec", "families"),
    [
        pytest.param("ipv4", {}, V4, id="the lab's one family"),
        pytest.param("ipv6", {}, V6, id="the lab's one family, IPv6"),
        pytest.param("dual", {}, V4, id="of two the primary one"),
        pytest.param("dual", {"ip_families": V6}, V6, id="the one that is named"),
        pytest.param("dual", {"ip_family_policy": SINGLE, "ip_families": V6}, V6, id="single, said"),
        pytest.param("dual", {"ip_family_policy": PREFER}, BOTH, id="both"),
        pytest.param("dual", {"ip_family_policy": PREFER, "ip_families": V6}, TURNED, id="both, the named one first"),
        pytest.param("dual", {"ip_family_policy": REQUIRE, "ip_families": TURNED}, TURNED, id="both in the order named"),
        pytest.param("ipv4", {"ip_family_policy": PREFER}, V4, id="as many as there are"),
        pytest.param("ipv4", {"ip_family_policy": PREFER, "ip_families": BOTH}, V4, id="as many of those named as there are"),
        pytest.param("dual", {"cluster_ip": "fd00:10:96::7"}, V6, id="the family of the address asked for"),
        pytest.param(
            "dual", {"ip_family_policy": REQUIRE, "cluster_ip": "fd00:10:96::7"}, TURNED, id="the address asked for is the first",
        ),
    ],
)  # fmt: skip
def test_families(build, lab, spec, families):
    service = build.service("web", 80, **spec)
    assert service_families(service, build.lab(ip_family=lab).spec) == families
    found = assigned(build, lab, spec)
    assert tuple(map(family_of, found.cluster_ips[WEB])) == families
    assert assigned(build, lab, spec, found) == found, "a second run changes nothing"


@pytest.mark.parametrize(
    ("lab", "spec", "families", "policy"),
    [
        pytest.param("dual", {}, BOTH, REQUIRE, id="written by hand: both"),
        pytest.param("dual", {"ip_families": V6}, TURNED, REQUIRE, id="the named one first"),
        pytest.param("dual", {"ip_families": TURNED}, TURNED, REQUIRE, id="both named"),
        pytest.param("dual", {"ip_family_policy": SINGLE}, V4, SINGLE, id="one, said"),
        pytest.param("ipv6", {}, V6, SINGLE, id="there is one only"),
        pytest.param("dual", {"app": "db"}, V4, SINGLE, id="with a selector"),
    ],
)
def test_of_a_headless_service(build, lab, spec, families, policy):
    given = build.lab(ip_family=lab)
    service = build.service("db", 80, cluster_ip="None", **{"app": "", **spec})
    assert list(family_problems(service.spec)) == []
    shown = published_service(service, given, Assignments()).spec
    assert (shown.ip_families, shown.ip_family_policy) == (families, policy)


@pytest.mark.parametrize(
    ("lab", "addresses"),
    [("ipv4", ("10.96.0.10",)), ("ipv6", ("fd00:10:96::a",)), ("dual", ("10.96.0.10", "fd00:10:96::a"))],
)
def test_the_cluster_dns_has_the_tenth_address_of_each_family(build, lab, addresses):
    given = build.lab(ip_family=lab)
    made = build.cluster(*cluster_dns(given.spec, "python3", (), "/records"), of=given)
    assert assign(made, Assignments()).cluster_ips[KUBE_DNS] == addresses
    wish = build.service("web", 80, cluster_ip=addresses[-1], ip_families=(family_of(addresses[-1]),))
    with pytest.raises(Conflict, match=f"{addresses[-1]} is taken by service/kube-dns in namespace kube-system"):
        assign(build.cluster(wish, of=given), Assignments())


@pytest.mark.parametrize(
    ("lab", "spec", "said"),
    [
        pytest.param("ipv4", {"ip_family_policy": REQUIRE}, "spec.ipFamilyPolicy: RequireDualStack needs a lab of both", id="two of one"),
        pytest.param("ipv4", {"ip_families": V6}, r"spec.ipFamilies\[0\]: IPv6 is no family of this lab, which has IPv4", id="other family"),
        pytest.param("ipv6", {"ip_family_policy": PREFER, "ip_families": BOTH}, r"spec.ipFamilies\[0\]: IPv4 is no", id="the first one counts"),
        pytest.param("ipv4", {"cluster_ip": "fd00:10:96::7"}, "fd00:10:96::7 is not in the serviceSubnet 10.96.0.0/16", id="an address of no subnet"),
        pytest.param(
            "dual", {"ip_family_policy": REQUIRE, "cluster_ip": "10.96.0.7", "cluster_ips": ("10.96.0.7", "fd00:10:97::1")},
            r"spec.clusterIPs\[1\]: fd00:10:97::1 is not in the serviceSubnet", id="the second address",
        ),
        pytest.param("dual", {"cluster_ip": "fd00:10:96::"}, "is not in the serviceSubnet", id="the subnet's own address"),
    ],
)  # fmt: skip
def test_what_a_lab_cannot_grant(build, lab, spec, said):
    with pytest.raises(Conflict, match=said):
        assigned(build, lab, spec)


def test_both_addresses_can_be_asked_for_and_are_nobody_elses(build):
    ips = ("10.96.0.7", "fd00:10:96::7")
    wish = {"ip_family_policy": REQUIRE, "cluster_ip": ips[0], "cluster_ips": ips}
    found = assigned(build, "dual", wish)
    assert found.cluster_ips[WEB] == ips
    other = build.service("api", 80, ip_families=V6, cluster_ip=ips[1])
    cluster = build.cluster(build.service("web", 80, **wish), other, of=build.lab(ip_family="dual"))
    with pytest.raises(
        Conflict, match=r"service/api in namespace default: spec\.clusterIP: fd00:10:96::7 is taken by service/web"
    ):
        assign(cluster, found)


def test_a_second_family_comes_and_goes_and_the_first_address_stays(build):
    one = assigned(build, "dual", {})
    two = assigned(build, "dual", {"ip_family_policy": PREFER}, one)
    assert two.cluster_ips[WEB][:1] == one.cluster_ips[WEB]
    assert len(two.cluster_ips[WEB]) == 2
    assert assigned(build, "dual", {}, two) == one


def test_the_cluster_dns_has_the_tenth_address_of_the_primary_family(build):
    dns = build.service("kube-dns", 53, namespace="kube-system", ip_family_policy=PREFER)
    turned = build.lab(pod_subnet="fd00:10:244::/56,10.244.0.0/16")
    for lab, first in ((build.lab(ip_family="dual"), "10.96.0.10"), (turned, "fd00:10:96::a")):
        [ips] = assign(build.cluster(dns, of=lab), Assignments()).cluster_ips.values()
        assert ips[0] == first
        assert len(ips) == 2
