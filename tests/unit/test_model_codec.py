"""Plain data becomes nouns and back: types, formats, names, and the shapes of Kubernetes that the nouns keep flat."""

from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.model.codec import KINDS, decode, decode_object, draft_object, encode
from netlab.model.container import Container, ContainerPort
from netlab.model.endpoints import EndpointAddress
from netlab.model.formats import FORMATS
from netlab.model.lab import Lab, LabSpec
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.probe import Probe, TCPSocketAction
from netlab.model.service import Endpoint, ServicePort, ServiceSpec
from netlab.model.volume import EmptyDirVolume, Volume
from netlab.model.wire import wire_name

META = ObjectMeta(name="web")
SPEC = PodSpec(containers=(Container(name="c", image="host"),))

# Every object, by construction from the type hints -------------------------------------------------------------------------

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=8)
LABEL = st.from_regex(r"[a-z]([a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)
PATH = LABEL.map(lambda name: f"/{name}")
EXAMPLES = {
    "absolute-path": PATH, "mount-path": PATH,
    "base64": st.sampled_from(["", "AA==", "c2VjcmV0"]),
    "cluster-ip": st.sampled_from(["", "None", "10.96.0.7"]),
    "cidrs": st.sampled_from(["10.0.0.0/8", "fd00::/48", "192.168.7.0/24,fd00::/48"]),
    "ip": st.sampled_from(["10.0.0.1", "fd00::1"]),
    "file-mode": st.integers(0, 0o777),
    "dns-search": st.sampled_from([".", "a.b."]),
    "field-path": st.sampled_from(["status.podIP", "metadata.labels['a/b']"]),
    "port-range": st.just("1-2"),
    "ipv6-mask": st.integers(16, 126), "ipv4-mask": st.integers(8, 30), "mtu": st.integers(576, 65535),
    "ip-or-empty": st.sampled_from(["", "10.0.0.1"]), "affinity-seconds": st.integers(1, 86400),
    "source-range": st.sampled_from(["10.0.0.0/8", "fd00::/8"]), "node-port-addresses": st.sampled_from(["primary", "10.0.0.0/8"]),
    "int32": st.integers(-9, 9), "non-negative": st.integers(0, 2**31 - 1), "positive": st.integers(1, 2**31 - 1), "port": st.integers(1, 65535), "port-or-zero": st.integers(0, 65535),
    "capability": st.sampled_from(["ALL", "NET_ADMIN"]), "resource-name": st.sampled_from(["cpu", "memory"]), "quantity": st.sampled_from(["0", "500m", "1Gi"]),
    "resource-field": st.sampled_from(["limits.cpu", "requests.memory"]),
    "port-reference": st.integers(1, 65535) | LABEL, "header-name": st.just("Host"), "one-line": st.just("a: b"),
    "target-port": st.integers(0, 65535) | LABEL,
    "int-or-percent": st.integers(0, 999) | st.integers(0, 999).map("{}%".format),
}  # fmt: skip
WRITE_ONLY = {"string_data"}


def values(hint):
    """A strategy for every valid value of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return EXAMPLES.get(arguments[1], LABEL)
    if origin in (Union, UnionType):
        return st.one_of([st.none() if one is NoneType else values(one) for one in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        named = [field.name for field in fields(hint) if field.name not in WRITE_ONLY]
        return st.builds(hint, **{name: values(hints[name]) for name in named})
    return {str: TEXT, int: st.integers(-(2**63), 2**63), bool: st.booleans()}[hint]


@pytest.mark.parametrize("cls", KINDS.values(), ids=list(KINDS))
def test_every_object_survives_encoding(cls):
    @settings(max_examples=40)
    @given(values(cls))
    def check(item):
        problems = []
        assert decode_object(encode(item), problems) == item, problems
        assert problems == []

    check()


def test_every_format_in_the_nouns_exists():
    for cls in KINDS.values():
        decode(cls, {}, [])  # makes the plans of all nouns inside
    assert all(callable(check) for check in FORMATS.values())


# Values with one form ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("FD00:0:0::00AB", "fd00::ab"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("::ffff:0a00:0001", "::ffff:10.0.0.1"),
        ("fd00::ab", "fd00::ab"), ("10.0.0.1", "10.0.0.1"), ("::1:0", "::0.1.0.0"), ("::ABCD", "::abcd"), ("0::0", "::"),
    ],
)  # fmt: skip
def test_an_address_has_one_form_however_it_is_written(written, form):
    """As Linux prints it: what was written otherwise would be no address that anybody has, and be made again for ever."""
    service = {"clusterIP": written, "clusterIPs": [written], "externalIPs": [written, "10.0.0.2"], "loadBalancerIP": written}
    spec = decode(ServiceSpec, service, [])
    assert (spec.cluster_ip, spec.cluster_ips, spec.load_balancer_ip) == (form, (form,), form)
    assert spec.external_ips == (form, "10.0.0.2")
    assert decode(Endpoint, {"addresses": [written]}, []).addresses == (form,)
    assert decode(EndpointAddress, {"ip": written}, []).ip == form


@pytest.mark.parametrize("faulty", [":", "fd00::1%eth0", "fd00::\0", "\ud800:", 1, None, {}, [["fd00::1"]]])
def test_what_is_no_address_is_left_to_the_check(faulty):
    problems = []
    decode(Endpoint, {"addresses": [faulty]}, problems)
    assert [path for path, _, _ in problems] == ["addresses[0]"]


# Names and shapes on the wire ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("cluster_ip", "clusterIP"), ("cluster_ips", "clusterIPs"), ("pod_ips", "podIPs"), ("host_ip", "hostIP"),
        ("pod_cidr", "podCIDR"), ("pod_cidrs", "podCIDRs"), ("node_cidr_mask", "nodeCIDRMask"), ("ip_families", "ipFamilies"),
        ("host_path", "hostPath"), ("working_dir", "workingDir"), ("uid", "uid"), ("dns_policy", "dnsPolicy"),
        ("downward_api", "downwardAPI"), ("api_version", "apiVersion"), ("config_map_key_ref", "configMapKeyRef"), ("ip_family_policy", "ipFamilyPolicy"),
        ("system_uuid", "systemUUID"), ("boot_id", "bootID"), ("os_image", "osImage"),
    ],
)  # fmt: skip
def test_field_name_on_the_wire(name, wire):
    assert wire_name(name) == wire


def test_encoded_object_starts_with_its_kind_and_has_no_defaults():
    plain = encode(Pod(metadata=META, spec=SPEC))
    assert plain == {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "c", "image": "host"}]},
    }  # fmt: skip
    assert list(plain) == ["apiVersion", "kind", "metadata", "spec"]


def test_empty_dir_is_kept_although_it_is_empty():
    assert encode(Volume(name="v", empty_dir=EmptyDirVolume())) == {"name": "v", "emptyDir": {}}


def test_lab_without_nodes_is_not_a_lab_with_default_nodes():
    assert encode(Lab(metadata=META, spec=LabSpec(nodes=())))["spec"]["nodes"] == []
    assert "nodes" not in encode(Lab(metadata=META, spec=LabSpec(mtu=1400)))["spec"]


def test_status_has_the_shape_of_kubernetes():
    running = ContainerStatus(name="c", state="running", started_at="T", restart_count=2, ready=True, started=True)
    ended = ContainerStatus(name="d", state="terminated", exit_code=1, reason="Error", finished_at="T")
    status = PodStatus(phase="Running", pod_ips=("10.244.1.2",), host_ips=("172.18.0.2",), container_statuses=(running, ended))
    plain = encode(Pod(metadata=META, spec=SPEC, status=status))["status"]
    assert plain["podIP"] == "10.244.1.2"
    assert plain["podIPs"] == [{"ip": "10.244.1.2"}]
    assert plain["hostIP"] == "172.18.0.2"
    assert plain["containerStatuses"] == [
        {"name": "c", "ready": True, "restartCount": 2, "started": True, "state": {"running": {"startedAt": "T"}}},
        {"name": "d", "state": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "T"}}},
    ]


# What is refused -----------------------------------------------------------------------------------------------------------

CONTAINER = {"name": "c", "image": "host"}


@pytest.mark.parametrize(
    ("cls", "plain", "expected"),
    [
        (ContainerPort, {"containerPort": True}, ("containerPort", "must be an integer, is a boolean", "")),
        (ContainerPort, {"containerPort": "80"}, ("containerPort", 'must be an integer, is a string "80"', "write it without quotes")),
        (ContainerPort, {"containerPort": 80.0}, ("containerPort", "must be an integer, is a number 80.0", "")),
        (ContainerPort, {"containerPort": None}, ("containerPort", "required", "")),
        (ContainerPort, {"containerPort": 10**30}, ("containerPort", f"must be between 1 and 65535, inclusive, is {10**30}", "")),
        (ServicePort, {"port": 1, "targetPort": True}, ("targetPort", "must be an integer or a string, is a boolean", "")),
        (Container, {**CONTAINER, "args": ["a", None]}, ("args[1]", "must be a string, is null", "")),
        (Container, {**CONTAINER, "imagPullPolicy": ""}, ("imagPullPolicy", "unknown field", 'did you mean "imagePullPolicy"?')),
        (Container, {**CONTAINER, "a\nb": 1}, ('["a\\nb"]', "unknown field", "")),
        (Container, {**CONTAINER, "tty": True}, ("tty", "not supported by netlab yet", "")),
        (Container, [], ("", "must be an object, is a list", "")),
        (ServiceSpec, {"type": 5}, ("type", "must be a string, is an integer 5", "quote it")),
        (ServiceSpec, {"selector": {"a": 1}}, ("selector.a", "must be a string, is an integer 1", "quote it")),
        (ObjectMeta, {"name": "a", "x" * 300: 1}, ('["' + "x" * 60 + '..."]', "unknown field", "")),
    ],
)  # fmt: skip
def test_refusal(cls, plain, expected):
    problems = []
    assert decode(cls, plain, problems) is None
    assert expected in problems


@pytest.mark.parametrize(
    ("cls", "plain", "expected"),
    [
        (ServicePort, {"port": 80, "name": None, "targetPort": None}, ServicePort(port=80)),
        (ServicePort, {"port": 80, "targetPort": "http"}, ServicePort(port=80, target_port="http")),
        (Probe, {"tcpSocket": {"port": 1}, "periodSeconds": 0}, Probe(tcp_socket=TCPSocketAction(port=1))),
        (Container, {**CONTAINER, "resources": {}, "lifecycle": None, "resizePolicy": None}, Container(name="c", image="host")),
        (Volume, {"name": "v", "emptyDir": None}, Volume(name="v")),
    ],
)  # fmt: skip
def test_null_and_empty_mean_the_default(cls, plain, expected):
    problems = []
    assert decode(cls, plain, problems) == expected, problems


def test_path_starts_where_the_caller_says():
    problems = []
    decode(Container, {"name": "c"}, problems, "spec.containers[3]")
    assert problems == [("spec.containers[3].image", "required", "")]


def test_draft_stands_in_for_what_is_missing_so_that_the_rest_can_be_checked():
    problems = []
    draft = draft_object({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [5, CONTAINER]}}, problems)
    assert [path for path, _, _ in problems] == ["spec.containers[0]", "metadata"]
    assert [item.name for item in draft.spec.containers] == ["", "c"]


def test_input_is_not_changed():
    plain = encode(Pod(metadata=META, spec=SPEC, status=PodStatus(pod_ips=("10.244.1.2",))))
    copy = repr(plain)
    decode_object(plain, [])
    assert repr(plain) == copy


def test_to_decode_a_pod_is_little_work(instructions):
    ports = tuple(ContainerPort(container_port=port) for port in (80, 443))
    containers = tuple(Container(name=name, image="host", command=("sleep", "infinity"), ports=ports) for name in "ab")
    plain = encode(Pod(metadata=META, spec=PodSpec(containers=containers)))
    decode_object(plain, [])
    assert instructions(lambda: decode_object(plain, [])) < 8_000, "some 4,800 are usual"


WRITTEN_META = {"name": "web", "namespace": "default"}
WRITTEN_POD_SPEC = {"containers": [{"name": "main", "image": "host", "command": ["true"]}]}
WRITTEN_SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": WRITTEN_META, "spec": {"ports": [{"port": 80}]}}
WRITTEN_TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": WRITTEN_POD_SPEC}
WRITTEN_DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": WRITTEN_META,
    "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": WRITTEN_TEMPLATE},
}  # fmt: skip
WRITTEN_SLICE = {
    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": WRITTEN_META,
    "endpoints": [{"addresses": ["10.244.1.2"]}], "ports": [{"port": 80}],
}  # fmt: skip
WRITTEN_RUNNING = {
    "apiVersion": "v1", "kind": "Pod", "metadata": WRITTEN_META, "spec": WRITTEN_POD_SPEC,
    "status": {
        "initContainerStatuses": [
            {"name": "first", "state": {"terminated": {"exitCode": 0}}}, {"name": "second", "state": {"terminated": {"exitCode": 1}}},
        ],
        "containerStatuses": [{"name": "main", "state": {"running": {}}}],
    },
}  # fmt: skip
WRITTEN_HOST_PATH = {
    "apiVersion": "v1", "kind": "Pod", "metadata": WRITTEN_META,
    "spec": WRITTEN_POD_SPEC | {"volumes": [{"name": "there", "hostPath": {"path": "/tmp"}}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("plain", "path", "told"),
    [
        pytest.param(WRITTEN_SERVICE, "spec.type", "ClusterIP", id="a word"),
        pytest.param(WRITTEN_SERVICE, "spec.ports.0.protocol", "TCP", id="a word in a list"),
        pytest.param(WRITTEN_SERVICE, "spec.ports.0.name", None, id="an empty text says nothing"),
        pytest.param(WRITTEN_SERVICE, "metadata.labels", None, id="nor an empty mapping"),
        pytest.param(WRITTEN_DEPLOYMENT, "spec.replicas", 1, id="a number"),
        pytest.param(WRITTEN_DEPLOYMENT, "spec.template.spec.shareProcessNamespace", True, id="true"),
        pytest.param(WRITTEN_DEPLOYMENT, "status", None, id="a status of zeros says nothing"),
        pytest.param(WRITTEN_SLICE, "endpoints.0.conditions.terminating", False, id="a false that Kubernetes says"),
        pytest.param(WRITTEN_RUNNING, "status.phase", "Pending", id="a status"),
        pytest.param(WRITTEN_RUNNING, "status.containerStatuses.0.restartCount", 0, id="a zero that Kubernetes says"),
        pytest.param(WRITTEN_RUNNING, "status.containerStatuses.0.ready", False, id="a container that is not ready"),
        pytest.param(WRITTEN_RUNNING, "status.containerStatuses.0.started", False, id="a container that has not started"),
        pytest.param(WRITTEN_SLICE, "ports.0.name", "", id="a port without a name, which Kubernetes says"),
        pytest.param(
            WRITTEN_HOST_PATH, "spec.volumes.0.hostPath.type", "", id="a path that is not checked, which Kubernetes says"
        ),
    ],
)
def test_a_whole_object_says_its_defaults(plain, path, told):
    item = decode_object(plain, [])
    found = encode(item, whole=True)
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else (found or {}).get(part)
    assert found == told
    assert decode_object(encode(item, whole=True), []) == item
