"""The Service default/kubernetes: it is in every lab, with the first address, and comes back as it was."""

from dataclasses import replace

import pytest

from netlab.desired.addons import namespaces
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.environment import service_environment
from netlab.desired.kubernetes_service import KUBERNETES, SPEC, kubernetes_service
from netlab.desired.zone import zone
from netlab.errors import Conflict
from netlab.model.endpoints import Endpoints, EndpointSubset
from netlab.model.meta import Key
from netlab.model.service import ServicePort


@pytest.fixture
def settled(build):
    """A cluster with what the controller says stored."""

    def made(*objects, of=None):
        before = build.cluster(*namespaces(), *objects, of=of)
        return before.with_objects(kubernetes_service(before, 0, 0.0).put)

    return made


def said(cluster):
    return kubernetes_service(cluster, 0, 0.0).put


def test_what_is_made(settled):
    cluster = settled()
    service = cluster.objects[KUBERNETES]
    assert service.metadata.labels == {"component": "apiserver", "provider": "kubernetes"}
    assert service.spec.ports == (ServicePort(name="https", port=443, target_port=6443),)
    assert cluster.objects[KUBERNETES._replace(kind="Endpoints")].subsets == ()
    assert [item.endpoints for item in all_slices(cluster, assign(cluster, Assignments()))] == [()]
    assert said(cluster) == ()


def test_not_before_there_is_its_namespace(build):
    assert said(build.cluster()) == ()


@pytest.mark.parametrize("kind", ["Service", "Endpoints", "EndpointSlice"])
def test_what_is_deleted_comes_back(settled, kind):
    cluster = settled()
    assert said(cluster.without([KUBERNETES._replace(kind=kind)])) == (cluster.objects[KUBERNETES._replace(kind=kind)],)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"type": "NodePort"}, id="another type"),
        pytest.param({"type": "ExternalName", "external_name": "example.org", "ports": ()}, id="an alias"),
        pytest.param({"ports": (ServicePort(port=6443, name="https"),)}, id="another port"),
        pytest.param({"cluster_ip": "None"}, id="headless"),
    ],
)
def test_what_is_changed_is_put_right(settled, changed):
    cluster = settled()
    service = cluster.objects[KUBERNETES]
    bent = cluster.with_objects([replace(service, spec=replace(SPEC, **changed))])
    assert said(bent) == (service,)


def test_what_users_may_add_stays(settled):
    cluster = settled()
    service = cluster.objects[KUBERNETES]
    more = [
        replace(
            service, spec=replace(SPEC, session_affinity="ClientIP"), metadata=replace(service.metadata, labels={"a": "b"})
        ),
        Endpoints(metadata=replace(service.metadata, labels={}), subsets=(EndpointSubset(),)),
    ]
    assert said(cluster.with_objects(more)) == ()


@pytest.mark.parametrize(
    ("lab", "ips"),
    [
        pytest.param({}, ("10.96.0.1",), id="IPv4"),
        pytest.param({"ip_family": "ipv6"}, ("fd00:10:96::1",), id="IPv6"),
        pytest.param({"ip_family": "dual"}, ("10.96.0.1",), id="both: the first one's"),
        pytest.param({"service_subnet": "10.97.8.0/24"}, ("10.97.8.1",), id="another subnet"),
    ],
)
def test_it_has_the_first_address(build, settled, lab, ips):
    cluster = settled(of=build.lab(**lab))
    assert assign(cluster, Assignments()).cluster_ips[KUBERNETES] == ips


def test_of_both_families_it_has_the_first_address_of_each(build, settled):
    cluster = settled(of=build.lab(ip_family="dual"))
    both = replace(cluster.objects[KUBERNETES], spec=replace(SPEC, ip_family_policy="RequireDualStack"))
    assigned = assign(cluster.with_objects([both]), Assignments())
    assert assigned.cluster_ips[KUBERNETES] == ("10.96.0.1", "fd00:10:96::1")


def test_a_lab_in_which_users_made_it_themselves_keeps_its_address(build, settled):
    """Before there was the controller, the name was free and the address nobody's."""
    earlier = Assignments(cluster_ips={KUBERNETES: ("10.96.7.7",)})
    cluster = settled(build.service("kubernetes", 80))
    assert assign(cluster, earlier).cluster_ips[KUBERNETES] == ("10.96.7.7",)


def test_nobody_else_can_have_the_address(build, settled):
    with pytest.raises(Conflict, match=r"10\.96\.0\.1 is taken by service/kubernetes in namespace default"):
        assign(settled(build.service("a", 80, cluster_ip="10.96.0.1")), Assignments())


def test_its_name_and_its_variables(settled):
    cluster = settled()
    assigned = assign(cluster, Assignments())
    text = str(zone(cluster, all_slices(cluster, assigned), assigned.cluster_ips))
    assert "kubernetes" in text
    assert "10.96.0.1" in text
    assert service_environment(cluster, assigned, "elsewhere")["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert Key("Service", "elsewhere", "kubernetes") not in assigned.cluster_ips
