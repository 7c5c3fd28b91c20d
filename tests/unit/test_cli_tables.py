"""What `get` and `describe` print, as golden pages: one small lab, seen at one moment."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from netlab.cli.columns import COLUMNS
from netlab.cli.describe import chosen, describe
from netlab.cli.query import parse_query
from netlab.cli.tabbed import tabbed
from netlab.cli.table import table
from netlab.cli.text import as_json, as_yaml, plain
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.node_status import node_status
from netlab.desired.owning import adopted
from netlab.desired.published import published
from netlab.model.config import ConfigMap
from netlab.model.event import event_of
from netlab.model.meta import Key, LabelSelector, ObjectMeta, OwnerReference
from netlab.model.node import Namespace
from netlab.model.pod_status import ContainerStateTerminated, ContainerStatus, PodStatus
from netlab.model.times import rfc3339
from netlab.model.workload import Deployment, DeploymentSpec, PodTemplateSpec, ReplicaSet, ReplicaSetSpec, TemplateMeta
from netlab.netstate.machine import Machine

NOW = 1_700_000_000.0
MACHINE = Machine(
    cpus=2, memory=8_000_000 * 1024, memory_available=6_000_000 * 1024, disk=10**10, disk_available=5 * 10**9, pids=32768,
    pids_available=32000, kernel="6.1.0-18-amd64", architecture="amd64", os_image="Debian GNU/Linux 12 (bookworm)",
    machine_id="6f1a", boot_id="9c2e",
)  # fmt: skip
BORN = "2023-11-14T22:10:00Z"  # 200 seconds earlier


@pytest.fixture
def cluster(build):
    pod, service = build.pod("web-1"), build.service("web", 80)
    owner = OwnerReference(kind="ReplicaSet", name="web-6d4cf56db6", uid="u-set")
    meta = replace(pod.metadata, creation_timestamp=BORN, owner_references=(owner,))
    crashed = ContainerStatus(
        name=pod.spec.containers[0].name, state="waiting", reason="CrashLoopBackOff", restart_count=3,
        message="back-off 40s restarting failed container",
        last_state=ContainerStateTerminated(
            exit_code=1, reason="Error", started_at=BORN, finished_at="2023-11-14T22:13:00Z"
        ),
    )  # fmt: skip
    status = PodStatus(
        phase="Running", pod_ips=("10.244.1.2",), host_ips=("172.18.0.2",), start_time=BORN, container_statuses=(crashed,)
    )
    template = PodTemplateSpec(metadata=TemplateMeta(labels={"app": "web"}), spec=pod.spec)
    spec = DeploymentSpec(selector=LabelSelector(match_labels={"app": "web"}), template=template, replicas=2)
    web = Deployment(metadata=ObjectMeta(name="web", namespace="default", uid="u-web", creation_timestamp=BORN), spec=spec)
    objects = [
        replace(pod, metadata=meta, status=status),
        replace(
            service, metadata=replace(service.metadata, creation_timestamp=BORN), spec=replace(service.spec, type="NodePort")
        ),
        web,
        adopted(
            ReplicaSet(
                metadata=replace(web.metadata, name="web-6d4cf56db6", uid="u-set"),
                spec=ReplicaSetSpec(selector=spec.selector, template=template, replicas=2),
            ),
            web,
        ),
        ConfigMap(
            metadata=ObjectMeta(name="settings", namespace="default", creation_timestamp=BORN),
            data={"a": "1", "b": "two\nlines"},
        ),
        Namespace(metadata=ObjectMeta(name="default", creation_timestamp=BORN)),
    ]
    wished = build.cluster(*objects)
    assignments = assign(wished, Assignments())
    nodes = [
        replace(node, status=node_status(
            node, wished.lab, MACHINE, pod_cidrs=assignments.nodes[node.metadata.name].pod_cidrs, now=NOW,
            is_there=node.metadata.name == "node-1", versions=("crun://1.8.1", "netlab-0.1.0"),
        ))
        for node in wished.nodes
    ]  # fmt: skip
    return published(wished.with_objects(nodes), assignments, 0.0)


def of_kind(cluster, kind):
    return [item for key, item in sorted(cluster.objects.items()) if key.kind == kind]


def test_tables(cluster, golden):
    happened = event_of(Key("Pod", "default", "web-1"), "Normal", "Started", "Started container main")
    shown = cluster.with_objects([replace(happened, first_timestamp=BORN, last_timestamp=BORN)])
    pages = []
    for kind in COLUMNS:
        for wide in (False, True):
            pages.append(table(kind, of_kind(shown, kind), NOW, wide=wide, namespaced=wide and kind == "Pod", labels=wide))
    golden("cli/tables.txt", "\n\n".join(pages) + "\n")


@pytest.fixture
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_utc")
def test_descriptions(cluster, golden):
    happened = event_of(Key("Pod", "default", "web-1"), "Warning", "BackOff", "Back-off restarting")
    known = replace(happened, first_timestamp=rfc3339(NOW - 60), last_timestamp=rfc3339(NOW - 5), count=3)
    seen = cluster.with_objects([known])
    pages = [
        describe(item, seen, assign(cluster, Assignments()), NOW)
        for key, item in sorted(cluster.objects.items())
        if key.name != "node-2"
    ]
    golden("cli/descriptions.txt", "\n\n\n".join(pages) + "\n")


@pytest.mark.parametrize(
    ("lines", "page"),
    [
        pytest.param(["Name:\tweb", "Namespace:\tdefault"], "Name:       web\nNamespace:  default", id="one column"),
        pytest.param(["a:\tb", "long label", "ccc:\td"], "a:  b\nlong label\nccc:  d", id="a line without cells ends a column"),
        pytest.param(["Port:\thttp\t80/TCP", "IP:\t10.0.0.1"], "Port:  http  80/TCP\nIP:    10.0.0.1", id="two columns"),
        pytest.param(["IP:\t"], "IP:", id="no trailing space"),
        pytest.param(["note: \x1b[31mred\x07"], "note: ^[[31mred^G", id="control characters are shown and not sent"),
    ],
)
def test_tabs_become_columns(lines, page):
    assert tabbed(lines) == page


@pytest.mark.parametrize(
    ("word", "names", "errors"),
    [
        pytest.param("we", ["web-1"], [], id="the beginning of a name"),
        pytest.param("web-1", ["web-1"], [], id="a name"),
        pytest.param("x", [], ['pods "x" not found'], id="no name begins so"),
    ],
)
def test_a_name_nobody_has_is_a_beginning(cluster, word, names, errors):
    found, missing = chosen(parse_query(["pod", word], namespace=None), cluster)
    assert ([item.metadata.name for item in found], list(map(str, missing))) == (names, errors)


def test_objects_as_yaml_and_json(cluster, golden):
    service = cluster.objects[Key("Service", "default", "web")]
    golden("cli/service.yaml", as_yaml(plain([service], single=True)))
    golden("cli/list.json", as_json(plain([service, *of_kind(cluster, "Namespace")], single=False)))
