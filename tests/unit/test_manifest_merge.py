"""What apply keeps, changes and takes away: live object, manifest now, manifest last, and what becomes of it."""

from __future__ import annotations

import io

import pytest

from netlab.errors import ManifestError
from netlab.manifest.checked import checked
from netlab.manifest.load import load_written
from netlab.manifest.merge import three_way
from netlab.model.codec import encode

POD_SPEC = {"containers": [{"name": "main", "image": "host", "command": ["run"]}]}


def deployment(meta=None, **spec):
    template = {"metadata": {"labels": {"app": "x"}}, "spec": spec.pop("pod", POD_SPEC)}
    whole = {"selector": {"matchLabels": {"app": "x"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", **(meta or {})}, "spec": whole}


def container(**fields):
    return {"containers": [{"name": "main", "image": "host", "command": ["run"], **fields}]}


def service(*ports, **spec):
    listed = [{"port": number, "protocol": protocol, "name": name} for name, number, protocol in ports]
    whole = {"selector": {"app": "x"}, "ports": listed, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": whole}


def settings(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def variables(*names):
    return container(env=[{"name": name, "value": name.lower()} for name in names])


def at(plain, path):
    for part in path.split("."):
        plain = plain.get(part) if isinstance(plain, dict) else plain[int(part)]
        if plain is None:
            return None
    return plain


REVISION = "deployment.kubernetes.io/revision"
REPLICAS, ENV, PORTS = "spec.replicas", "spec.template.spec.containers.0.env", "spec.ports"
SIDE = {"name": "side", "image": "host", "command": ["run"]}


@pytest.mark.parametrize(
    ("live", "wish", "last", "path", "expected"),
    [
        pytest.param(deployment(replicas=5), deployment(), deployment(), REPLICAS, 5, id="scaled, and the manifest says nothing"),
        pytest.param(deployment(replicas=5), deployment(replicas=3), deployment(replicas=3), REPLICAS, 3, id="scaled, and it says 3"),
        pytest.param(deployment(replicas=5), deployment(replicas=1), None, REPLICAS, None, id="a default that is written counts"),
        pytest.param(deployment(replicas=5), deployment(), deployment(replicas=3), REPLICAS, None, id="taken out of the manifest"),
        pytest.param(deployment(replicas=5), deployment(replicas=None), deployment(), REPLICAS, None, id="null means not set"),
        pytest.param(deployment(replicas=5), deployment(), None, REPLICAS, 5, id="never applied: nothing was taken out"),
        pytest.param(
            deployment({"labels": {"a": "1", "b": "2"}}), deployment({"labels": {"a": "3"}}), deployment({"labels": {"a": "1"}}),
            "metadata.labels", {"a": "3", "b": "2"}, id="a label of others stays",
        ),
        pytest.param(
            deployment({"labels": {"a": "1", "b": "2"}}), deployment({"labels": {}}), deployment({"labels": {"a": "1"}}),
            "metadata.labels", {"b": "2"}, id="a label was taken out",
        ),
        pytest.param(
            deployment({"labels": {"a": "1", "b": "2"}}), deployment(), deployment({"labels": {"a": "1"}}),
            "metadata.labels", None, id="with a whole field goes what others put into it",
        ),
        pytest.param(
            deployment({"annotations": {"a": "1"}}), deployment({"annotations": {"b": "2"}}), deployment(),
            "metadata.annotations", {"a": "1", "b": "2"}, id="annotations are merged as labels are",
        ),
        pytest.param(
            deployment({"annotations": {REVISION: "3"}}), deployment({"annotations": {REVISION: "1"}}), deployment(),
            "metadata.annotations", {REVISION: "3"}, id="the number of a rollout is no wish",
        ),
        pytest.param(
            deployment({"annotations": {REVISION: "3"}}), deployment(), deployment({"annotations": {REVISION: "1"}}),
            "metadata.annotations", {REVISION: "3"}, id="and a manifest without it takes nothing away",
        ),
        pytest.param(settings(a="1", b="2"), settings(a="3"), settings(a="1", b="2"), "data", {"a": "3"}, id="keys of a ConfigMap"),
        pytest.param(
            deployment(pod=variables("A", "OTHER", "B")), deployment(pod=variables("B", "A")), deployment(pod=variables("A", "B")),
            ENV, [{"name": name, "value": name.lower()} for name in ("OTHER", "B", "A")], id="variables in the manifest's order",
        ),
        pytest.param(
            deployment(pod=variables("OTHER", "A")), deployment(pod=variables("NEW", "A")), deployment(pod=variables("A")),
            ENV, [{"name": name, "value": name.lower()} for name in ("NEW", "OTHER", "A")], id="others stay before what they precede",
        ),
        pytest.param(
            deployment(pod=container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}])),
            deployment(pod=variables("A")), deployment(), ENV, [{"name": "A", "value": "a"}], id="one source of a variable",
        ),
        pytest.param(
            deployment(pod={"containers": [*POD_SPEC["containers"], SIDE]}), deployment(), deployment(),
            "spec.template.spec.containers.1.name", "side", id="a container of others stays",
        ),
        pytest.param(
            deployment(pod={**POD_SPEC, "initContainers": [{**SIDE, "args": ["x"]}]}), deployment(pod={**POD_SPEC, "initContainers": [SIDE]}), None,
            "spec.template.spec.initContainers.0.args", ["x"], id="an init container is one item",
        ),
        pytest.param(
            deployment(pod=container(command=["a", "b"])), deployment(pod=container(command=["c"])), None,
            "spec.template.spec.containers.0.command", ["c"], id="a command is one value",
        ),
        pytest.param(
            service(("u", 53, "UDP"), ("t", 53, "TCP")), service(("u", 53, "UDP")), service(("u", 53, "UDP"), ("t", 53, "TCP")),
            PORTS, [{"port": 53, "name": "u", "protocol": "UDP"}], id="ports of one number and two protocols",
        ),
        pytest.param(
            service(("a", 80, "TCP"), ("b", 81, "TCP")), service(("c", 80, "TCP")), service(("a", 80, "TCP")),
            PORTS, [{"port": 80, "name": "c"}, {"port": 81, "name": "b"}], id="a port of others stays",
        ),
    ],
)  # fmt: skip
def test_apply_merges_three_ways(live, wish, last, path, expected):
    assert at(encode(three_way(checked(live), wish, last)), path) == expected


def test_identity_and_namespace_stay():
    live = checked(deployment({"namespace": "team"}))
    assert three_way(live, deployment({"uid": "forged", "name": "other"}), None).metadata == live.metadata


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ManifestError, match="name"):
        three_way(checked(service(("a", 80, "TCP"))), service(("", 81, "TCP")), None)


def test_manifests_are_kept_as_they_were_written(tmp_path):
    (tmp_path / "a.yaml").write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {}}')
    found = load_written([str(tmp_path), "-"], "team", io.StringIO(str(deployment(replicas=1))))
    assert [(one.item.metadata.name, one.item.metadata.namespace, one.file) for one in found] == [
        ("a", "team", str(tmp_path / "a.yaml")),
        ("x", "team", "stdin"),
    ]
    assert found[0].plain["data"] == {}
    assert found[1].plain["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [pytest.param("", "holds no objects", id="nothing"), pytest.param("a: [", "not YAML", id="an error")],
)
def test_what_cannot_be_loaded_is_refused_in_the_same_words(tmp_path, text, message):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ManifestError, match=f"a.yaml.*{message}"):
        load_written([str(tmp_path / "a.yaml")])
