"""Environment variables (N8): Services, ConfigMaps, fields of the Pod, and `$(NAME)`."""

import re

import pytest

from netlab.desired.assignments import Assignments, NodeAssignment, PodAssignment
from netlab.desired.environment import environment, expand, service_environment
from netlab.errors import NetlabError, NotFound
from netlab.model.config import ConfigMap, Secret
from netlab.model.container import (
    ConfigMapKeySelector,
    ConfigMapRef,
    Container,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretKeySelector,
    SecretRef,
)
from netlab.model.lab import Cluster, Lab
from netlab.model.meta import Key, ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.service import Service, ServicePort, ServiceSpec

ONE_PORT = (ServicePort(port=6379),)


def service(name, namespace="shop", ports=ONE_PORT, **spec):
    return Service(metadata=ObjectMeta(name=name, namespace=namespace), spec=ServiceSpec(ports=ports, **spec))


def cluster(*objects):
    return Cluster(lab=Lab(metadata=ObjectMeta(name="lab"))).with_objects(objects)


def assigned(*objects):
    with_ip = [item for item in objects if isinstance(item, Service) and item.has_cluster_ip]
    pods = {Key("Pod", "shop", "web"): PodAssignment(node="node-2", ips=("10.244.2.7",))}
    nodes = {"node-2": NodeAssignment(ips=("172.18.0.3",), pod_cidrs=("10.244.2.0/24",))}
    return Assignments(nodes=nodes, pods=pods, cluster_ips={item.key: (f"10.96.0.{n}",) for n, item in enumerate(with_ip, 1)})


def pod(*env, env_from=(), links=True):
    return Pod(
        metadata=ObjectMeta(
            name="web", namespace="shop", uid="u1", labels={"app.kubernetes.io/name": "web"}, annotations={"a": "b"}
        ),
        spec=PodSpec(containers=(Container(name="c", image="host", env=env, env_from=env_from),), enable_service_links=links),
    )


def compute(the_pod, *objects):
    return environment(cluster(*objects), assigned(*objects), the_pod, the_pod.spec.containers[0])


def test_n8_one_port_makes_these_seven_variables():
    redis = service("redis-primary")
    assert list(service_environment(cluster(redis), assigned(redis), "shop").items()) == [
        ("REDIS_PRIMARY_SERVICE_HOST", "10.96.0.1"),
        ("REDIS_PRIMARY_SERVICE_PORT", "6379"),
        ("REDIS_PRIMARY_PORT", "tcp://10.96.0.1:6379"),
        ("REDIS_PRIMARY_PORT_6379_TCP", "tcp://10.96.0.1:6379"),
        ("REDIS_PRIMARY_PORT_6379_TCP_PROTO", "tcp"),
        ("REDIS_PRIMARY_PORT_6379_TCP_PORT", "6379"),
        ("REDIS_PRIMARY_PORT_6379_TCP_ADDR", "10.96.0.1"),
    ]


def test_n8_named_ports_and_two_protocols_in_the_order_of_the_spec():
    ports = (
        ServicePort(port=53, name="dns", protocol="UDP", target_port=1053, node_port=30053),
        ServicePort(port=53, name="dns-tcp"),
    )
    dns = service("dns", ports=ports)
    assert list(service_environment(cluster(dns), assigned(dns), "shop").items()) == [
        ("DNS_SERVICE_HOST", "10.96.0.1"),
        ("DNS_SERVICE_PORT", "53"),
        ("DNS_SERVICE_PORT_DNS", "53"),
        ("DNS_SERVICE_PORT_DNS_TCP", "53"),
        ("DNS_PORT", "udp://10.96.0.1:53"),
        ("DNS_PORT_53_UDP", "udp://10.96.0.1:53"),
        ("DNS_PORT_53_UDP_PROTO", "udp"),
        ("DNS_PORT_53_UDP_PORT", "53"),
        ("DNS_PORT_53_UDP_ADDR", "10.96.0.1"),
        ("DNS_PORT_53_TCP", "tcp://10.96.0.1:53"),
        ("DNS_PORT_53_TCP_PROTO", "tcp"),
        ("DNS_PORT_53_TCP_PORT", "53"),
        ("DNS_PORT_53_TCP_ADDR", "10.96.0.1"),
    ]


KUBERNETES = service("kubernetes", "default", ports=(ServicePort(port=443, name="https"),))


@pytest.mark.parametrize(
    ("objects", "links", "hosts"),
    [
        pytest.param([], True, [], id="N8 a Service that does not exist yet is absent"),
        pytest.param([service("b"), service("a")], True, ["A", "B"], id="N8 all of the own namespace, by name"),
        pytest.param([service("a", "other")], True, [], id="N8 none of another namespace"),
        pytest.param([service("a", "default")], True, [], id="N8 none of default either"),
        pytest.param([KUBERNETES, service("a")], True, ["A", "KUBERNETES"], id="N8 but default/kubernetes always"),
        pytest.param([KUBERNETES, service("a")], False, ["KUBERNETES"], id="N8 without links only default/kubernetes"),
        pytest.param([service("kubernetes")], False, [], id="N8 without links not even an own Service called kubernetes"),
        pytest.param([service("a", cluster_ip="None")], True, [], id="N8 none for a headless Service"),
        pytest.param([service("a", type="ExternalName", external_name="x.org")], True, [], id="N8 none for ExternalName"),
        pytest.param([service("a", type="NodePort")], True, ["A"], id="N8 NodePort has its ClusterIP"),
    ],
)
def test_scope(objects, links, hosts):
    found = service_environment(cluster(*objects), assigned(*objects), "shop", links=links)
    assert [name.removesuffix("_SERVICE_HOST") for name in found if name.endswith("_SERVICE_HOST")] == hosts


def test_own_service_called_kubernetes_hides_the_one_of_default():
    own = service("kubernetes")
    for objects in ((KUBERNETES, own), (own, KUBERNETES)):
        found = service_environment(cluster(*objects), assigned(*objects), "shop")
        assert found["KUBERNETES_SERVICE_HOST"] == assigned(*objects).cluster_ips[own.key][0]


def test_service_without_an_address_yet_has_no_variables():
    assert service_environment(cluster(service("a")), Assignments(), "shop") == {}


def test_requested_cluster_ip_counts_before_it_is_assigned():
    found = service_environment(cluster(service("a", cluster_ip="10.96.7.7")), Assignments(), "shop")
    assert found["A_SERVICE_HOST"] == "10.96.7.7"


def test_an_address_of_ipv6_stands_in_brackets_before_a_port():
    found = service_environment(cluster(service("a", cluster_ip="fd00:10:96::7")), Assignments(), "shop")
    assert (found["A_SERVICE_HOST"], found["A_PORT"]) == ("fd00:10:96::7", "tcp://[fd00:10:96::7]:6379")
    assert (found["A_PORT_6379_TCP"], found["A_PORT_6379_TCP_ADDR"]) == ("tcp://[fd00:10:96::7]:6379", "fd00:10:96::7")


def test_name_with_a_leading_digit():
    found = service_environment(cluster(service("9p", cluster_ip="10.96.7.7")), Assignments(), "shop")
    assert "_9P_SERVICE_HOST" in found


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        pytest.param("plain", "plain", id="no reference"),
        pytest.param("$(A)-$(A)", "1-1", id="each reference"),
        pytest.param("$(NO)", "$(NO)", id="an unknown name stays"),
        pytest.param("$$(A)", "$(A)", id="escaped"),
        pytest.param("$$$(A)", "$1", id="an escaped dollar before a reference"),
        pytest.param("$$$$", "$$", id="two escaped dollars"),
        pytest.param("$A ${A} $", "$A ${A} $", id="the shell's forms are no references"),
        pytest.param("$(A", "$(A", id="not closed"),
        pytest.param("$()", "$()", id="empty name"),
        pytest.param("$(B)", "$(A)", id="values are not expanded again"),
    ],
)
def test_expand(text, expanded):
    assert expand(text, {"A": "1", "B": "$(A)"}) == expanded


def test_expansion_sees_services_config_maps_and_earlier_variables_only():
    settings = ConfigMap(metadata=ObjectMeta(name="app", namespace="shop"), data={"MODE": "dev"})
    env = (
        EnvVar(name="LATE", value="$(URL)"),
        EnvVar(name="URL", value="redis://$(REDIS_SERVICE_HOST)/$(MODE)"),
        EnvVar(name="AGAIN", value="$(URL)?x"),
    )
    found = compute(pod(*env, env_from=(EnvFromSource(config_map_ref=ConfigMapRef(name="app")),)), service("redis"), settings)
    assert [found[name] for name in ("LATE", "URL", "AGAIN")] == [
        "$(URL)",
        "redis://10.96.0.1/dev",
        "redis://10.96.0.1/dev?x",
    ]


def test_precedence_is_service_then_env_from_then_env():
    data = {"REDIS_SERVICE_HOST": "map", "REDIS_SERVICE_PORT": "map"}
    one = ConfigMap(metadata=ObjectMeta(name="one", namespace="shop"), data=data)
    two = ConfigMap(metadata=ObjectMeta(name="two", namespace="shop"), data={"REDIS_PORT": "two", "REDIS_SERVICE_PORT": "two"})
    sources = tuple(EnvFromSource(config_map_ref=ConfigMapRef(name=name)) for name in ("one", "two"))
    found = compute(pod(EnvVar(name="REDIS_SERVICE_HOST", value="env"), env_from=sources), service("redis"), one, two)
    names = ("REDIS_SERVICE_HOST", "REDIS_SERVICE_PORT", "REDIS_PORT", "REDIS_PORT_6379_TCP_PROTO")
    assert [found[name] for name in names] == ["env", "two", "two", "tcp"]


def test_prefix():
    settings = ConfigMap(metadata=ObjectMeta(name="app", namespace="shop"), data={"b": "2", "a": "1"})
    found = compute(pod(env_from=(EnvFromSource(config_map_ref=ConfigMapRef(name="app"), prefix="P_"),)), settings)
    assert list(found.items()) == [("P_a", "1"), ("P_b", "2")]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u1"),
        ("metadata.labels['app.kubernetes.io/name']", "web"),
        ("metadata.labels['absent']", ""),
        ("metadata.annotations['a']", "b"),
        ("spec.nodeName", "node-2"),
        ("status.podIP", "10.244.2.7"),
        ("status.hostIP", "172.18.0.3"),
    ],
)
def test_field_ref(path, value):
    found = compute(pod(EnvVar(name="X", value_from=EnvVarSource(field_ref=ObjectFieldSelector(field_path=path)))))
    assert found == {"X": value}


def test_resource_field_ref_means_the_container_itself_if_none_is_named():
    told = ResourceFieldSelector(resource="requests.memory", divisor="1Mi")
    found = compute(pod(EnvVar(name="X", value_from=EnvVarSource(resource_field_ref=told))))
    assert found == {"X": "0"}


def test_fields_of_an_unbound_pod_are_empty():
    the_pod = pod(EnvVar(name="X", value_from=EnvVarSource(field_ref=ObjectFieldSelector(field_path="status.podIP"))))
    assert environment(cluster(), Assignments(), the_pod, the_pod.spec.containers[0]) == {"X": ""}


def from_key(name, key, *, optional=False):
    return EnvVar(
        name="X", value_from=EnvVarSource(config_map_key_ref=ConfigMapKeySelector(name=name, key=key, optional=optional))
    )


APP = ConfigMap(metadata=ObjectMeta(name="app", namespace="shop"), data={"key": "v $(A)"})


@pytest.mark.parametrize(
    ("the_pod", "expected"),
    [
        pytest.param(pod(from_key("app", "key")), {"X": "v $(A)"}, id="a key, not expanded"),
        pytest.param(pod(from_key("app", "no", optional=True)), {}, id="optional key"),
        pytest.param(pod(from_key("no", "key", optional=True)), {}, id="optional map"),
        pytest.param(
            pod(env_from=(EnvFromSource(config_map_ref=ConfigMapRef(name="no", optional=True)),)), {}, id="optional envFrom"
        ),
    ],
)
def test_config_map(the_pod, expected):
    assert compute(the_pod, APP) == expected


LOGIN = Secret(metadata=ObjectMeta(name="login", namespace="shop"), data={"user": "cm9vdA==", "pin": "w6k=", "raw": "/w=="})


def secret_key(key, *, name="login", optional=False):
    ref = SecretKeySelector(name=name, key=key, optional=optional)
    return pod(EnvVar(name="X", value_from=EnvVarSource(secret_key_ref=ref)))


def whole_secret(name, *, optional=False, prefix=""):
    return pod(env_from=(EnvFromSource(secret_ref=SecretRef(name=name, optional=optional), prefix=prefix),))


@pytest.mark.parametrize(
    ("the_pod", "expected"),
    [
        pytest.param(secret_key("pin"), {"X": "\u00e9"}, id="a key"),
        pytest.param(secret_key("no", optional=True), {}, id="optional key"),
        pytest.param(secret_key("no", name="no", optional=True), {}, id="optional Secret"),
        pytest.param(whole_secret("no", optional=True), {}, id="optional envFrom"),
        pytest.param(whole_secret("text", prefix="P_"), {"P_1a": "1"}, id="any key is a name"),
    ],
)
def test_secret(the_pod, expected):
    text = Secret(metadata=ObjectMeta(name="text", namespace="shop"), data={"1a": "MQ=="})
    assert compute(the_pod, LOGIN, text) == expected


@pytest.mark.parametrize(
    ("the_pod", "message"),
    [
        pytest.param(secret_key("no"), "couldn't find key no in Secret shop/login", id="key"),
        pytest.param(secret_key("no", name="no"), 'secret "no" not found', id="Secret"),
        pytest.param(whole_secret("no"), 'secret "no" not found', id="envFrom"),
        pytest.param(whole_secret("login"), "the value of key raw in Secret shop/login is not text", id="bytes"),
    ],
)
def test_secret_that_is_missing_or_no_text(the_pod, message):
    with pytest.raises(NetlabError, match=re.escape(message)):
        compute(the_pod, LOGIN)


@pytest.mark.parametrize(
    ("the_pod", "message"),
    [
        pytest.param(pod(from_key("app", "no")), "couldn't find key no in ConfigMap shop/app", id="key"),
        pytest.param(pod(from_key("no", "key")), 'configmap "no" not found', id="map"),
        pytest.param(
            pod(env_from=(EnvFromSource(config_map_ref=ConfigMapRef(name="no")),)),
            'configmap "no" not found',
            id="envFrom",
        ),
        pytest.param(
            pod(EnvVar(name="X", value_from=EnvVarSource(field_ref=ObjectFieldSelector(field_path="spec.color")))),
            "pod web: fieldPath spec.color is not one of",
            id="field",
        ),
    ],
)
def test_what_is_missing_is_named(the_pod, message):
    with pytest.raises(NotFound) as caught:
        compute(the_pod, APP)
    assert str(caught.value).startswith(message)
