"""The Python API without a lab: what it takes, what it refuses, what it waits for, and that importing it costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from netlab import CommandFailed, Completed, Lab, TimedOut
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.owning import adopted
from netlab.desired.published import published
from netlab.errors import HostUnready, ManifestError, NetlabError, NotFound
from netlab.lab.waiting import describe, missing_condition, unready
from netlab.lab.wishes import lab_spec, read_objects
from netlab.model.lab import LabSpec, NodeTemplate
from netlab.model.meta import Key, LabelSelector, ObjectMeta, OwnerReference
from netlab.model.workload import Deployment, DeploymentSpec, PodTemplateSpec, ReplicaSet, ReplicaSetSpec, TemplateMeta
from netlab.store.paths import LabPaths

TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
PLAIN = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": 'é😀 "quoted": {}'}}
WEB = Key("Pod", "default", "web")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        pytest.param("import netlab", {"netlab.lab", "netlab.errors", "yaml", "sqlite3", "click"}, id="the package"),
        pytest.param("import netlab.pytest_plugin", {"netlab.lab", "netlab.errors", "yaml", "sqlite3"}, id="the pytest plugin"),
        pytest.param("from netlab import Lab", {"click", "asyncio", "rich", "pytest"}, id="the API"),
    ],
)
def test_import_is_light(statement, absent):
    program = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not absent & set(done.stdout.split())


def test_unknown_name_of_the_package_is_an_import_error():
    with pytest.raises(ImportError, match="nosuch"):
        from netlab import nosuch  # noqa: F401, PLC0415


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        pytest.param(2, ["node-1", "node-2"], id="a number"),
        pytest.param(["left", "right"], ["left", "right"], id="names"),
        pytest.param(LabSpec(nodes=(NodeTemplate(name="n", labels={"disk": "ssd"}),), mtu=1400), ["n"], id="a LabSpec"),
    ],
)
def test_size_of_a_lab(nodes, names):
    spec = lab_spec(nodes)
    assert [node.name for node in spec.nodes] == names
    if isinstance(nodes, LabSpec):
        assert spec == nodes


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        pytest.param(0, "1 to 64 Nodes, not 0", id="no Nodes"),
        pytest.param(65, "1 to 64 Nodes, not 65", id="too many Nodes"),
        pytest.param(["Not_A_Name"], "spec.nodes[0].name", id="a bad name"),
        pytest.param(["same", "same"], "same", id="a name twice"),
        pytest.param(LabSpec(pod_subnet="10.96.0.0/16"), "serviceSubnet", id="subnets that overlap"),
    ],
)
def test_size_that_cannot_be_is_refused(nodes, said):
    with pytest.raises(ManifestError) as caught:
        Lab(nodes)
    assert said in str(caught.value)


@pytest.fixture
def folder(tmp_path):
    """A folder with two manifests."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(TEXT % name)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param("a.yaml", ["a"], id="a str without a line break is a path"),
        pytest.param(Path("b.yaml"), ["b"], id="a Path"),
        pytest.param(Path(), ["a", "b"], id="a folder"),
        pytest.param(TEXT % "a" + "---\n" + TEXT % "c", ["a", "c"], id="a str with line breaks is YAML"),
        pytest.param(PLAIN, ["a"], id="a dict"),
        pytest.param([PLAIN, {**PLAIN, "metadata": {"name": "d"}}], ["a", "d"], id="dicts"),
    ],
)
def test_sources_of_objects(folder, source, names):
    found = read_objects(source, base=folder)
    assert [one.item.key for one in found] == [Key("ConfigMap", "default", name) for name in names]


def test_dict_keeps_what_it_says():
    assert read_objects(PLAIN)[0].item.data == PLAIN["data"]


def test_namespace_is_for_objects_that_name_none():
    assert read_objects(PLAIN, "shop")[0].item.key.namespace == "shop"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("nosuch.yaml", "nosuch.yaml: No such file", id="no such file"),
        pytest.param("", "holds no objects", id="nothing"),
        pytest.param([], "holds no objects", id="no objects"),
        pytest.param(TEXT % "Bad_Name", "text:3: configmap/Bad_Name metadata.name", id="text with an error"),
        pytest.param({**PLAIN, "spec": {}}, "spec", id="a dict with an unknown field"),
        pytest.param([PLAIN, PLAIN], "already", id="one object twice"),
        pytest.param({**PLAIN, "data": {"key": object()}}, "cannot be written as JSON", id="what YAML could not say"),
        pytest.param("apiVersion: netlab/v1\nkind: Lab\nmetadata: {name: x}\n", "lab/x: a Lab is not applied", id="a Lab"),
    ],
)
def test_bad_source_is_refused(folder, source, said):
    with pytest.raises(ManifestError) as caught:
        read_objects(source, base=folder)
    assert said in str(caught.value)


def test_generated_names_differ_and_are_names_of_labs():
    names = {Lab(1).name for _ in range(20)}
    assert len(names) == 20
    assert {LabPaths(name).lab for name in names} == names


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"attach": True}, id="attach without a name"),
        pytest.param({"attach": True, "name": "x", "nodes": 2}, id="attach with a size"),
        pytest.param({"name": "Not A Name"}, id="a bad name"),
    ],
)
def test_wrong_arguments_of_a_lab(words):
    with pytest.raises(ManifestError):
        Lab(**words)


def test_who_is_not_root_is_told_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostUnready, match="must be root"):
        Lab(1).up()


def test_failed_command_shows_the_end_of_its_output():
    error = CommandFailed("pod/web", Completed(("curl", "-s", "x"), 7, "", "a" * 9000 + "the end"))
    assert str(error).startswith("pod/web: curl -s x: exit code 7\nstandard error: aaa")
    assert str(error).endswith("the end")
    assert len(str(error)) < 3000
    assert error.completed.code == 7


def test_timeout_is_both_errors():
    error = TimedOut("not in 1 s", origin="here")
    assert isinstance(error, NetlabError)
    assert isinstance(error, TimeoutError)
    assert (str(error), error.origin) == ("not in 1 s", "here")


def seen(build, *objects):
    """The cluster as users see it."""
    cluster = build.cluster(*objects)
    return published(cluster, assign(cluster, Assignments()), 0.0)


@pytest.mark.parametrize(
    ("condition", "pods", "left"),
    [
        pytest.param("Ready", [{}], "", id="ready"),
        pytest.param("ready=True", [{}], "", id="as kubectl spells it"),
        pytest.param("Ready=False", [{}], "pod/web is Running", id="not yet unready"),
        pytest.param("Ready", [{"state": "waiting", "phase": "Pending"}], "pod/web is Pending", id="pending"),
        pytest.param("Created", [], "pod/web does not exist", id="not yet created"),
        pytest.param("Created", [{}], "", id="created"),
        pytest.param("Deleted", [{}], "pod/web is Running", id="not yet deleted"),
        pytest.param("Deleted", [], "", id="deleted"),
        pytest.param(lambda pod: pod.status.phase == "Succeeded", [{"phase": "Succeeded"}], "", id="a test that holds"),
        pytest.param(lambda pod: pod is None, [{}], "pod/web is Running", id="a test that does not hold"),
    ],
)
def test_conditions(build, condition, pods, left):
    assert missing_condition(WEB, condition)(seen(build, *(build.pod("web", **words) for words in pods))) == left


def test_waiting_for_a_condition_of_nothing_is_an_error(build):
    with pytest.raises(NotFound, match='pods "web" not found'):
        missing_condition(WEB, "Ready")(seen(build))


def test_pod_of_the_same_name_does_not_count_as_the_deleted_one(build):
    first = build.pod("web")
    second = replace(first, metadata=replace(first.metadata, uid="another"))
    missing = missing_condition(WEB, "Deleted")
    assert missing(seen(build, first))
    assert not missing(seen(build, second))


def deployment(build, replicas):
    template = PodTemplateSpec(metadata=TemplateMeta(labels={"app": "web"}), spec=build.pod("web").spec)
    spec = DeploymentSpec(selector=LabelSelector(match_labels={"app": "web"}), template=template, replicas=replicas)
    return Deployment(metadata=ObjectMeta(name="web", namespace="default", uid="uid-deployment"), spec=spec)


def owned(pod):
    owner = OwnerReference(kind="ReplicaSet", name="web-1", uid="uid-set")
    return replace(pod, metadata=replace(pod.metadata, owner_references=(owner,)))


@pytest.mark.parametrize(
    ("phases", "uids", "left"),
    [
        pytest.param(["Running", "Succeeded"], None, "", id="all well"),
        pytest.param(["Running", "Failed"], None, "pod/p1 is Failed", id="one failed"),
        pytest.param(["Running", "Failed"], {"uid-default-p0"}, "", id="one failed that is not asked for"),
    ],
)
def test_unready_pods(build, phases, uids, left):
    pods = [build.pod(f"p{n}", phase=phase) for n, phase in enumerate(phases)]
    assert unready(uids)(seen(build, *pods)) == left


@pytest.mark.parametrize(
    ("replicas", "left"),
    [pytest.param(1, "", id="complete"), pytest.param(2, "deployment/web has 1 of 2 Pods ready", id="one missing")],
)
def test_unready_deployment(build, replicas, left):
    wish = deployment(build, replicas)
    spec = ReplicaSetSpec(selector=wish.spec.selector, template=wish.spec.template, replicas=replicas)
    made = adopted(ReplicaSet(metadata=replace(wish.metadata, name="web-1", uid="uid-set"), spec=spec), wish)
    assert unready({"uid-deployment"})(seen(build, wish, made, owned(build.pod("web-1-a")))) == left


def test_a_pod_of_a_deployment_counts_through_its_replica_set(build):
    wish = deployment(build, 1)
    spec = ReplicaSetSpec(selector=wish.spec.selector, template=wish.spec.template)
    made = adopted(ReplicaSet(metadata=replace(wish.metadata, name="web-1", uid="uid-set"), spec=spec), wish)
    pods = [owned(build.pod("web-1-a")), owned(build.pod("web-1-b", phase="Failed"))]
    assert unready({"uid-deployment"})(seen(build, wish, made, *pods)) == "pod/web-1-b is Failed"


def test_description_of_an_object_with_conditions(build):
    item = seen(build, deployment(build, 1)).deployments[0]
    assert describe(item) == "has Available=False, Progressing=True"
