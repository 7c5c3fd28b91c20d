"""A Pod in outline says what the whole Pod says; where more than one Pod must be known, nothing is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.addons import nodes
from netlab.desired.power import start_machines, stop_machines
from netlab.errors import NetlabError
from netlab.manifest.load import load
from netlab.model.container import Container
from netlab.model.outline import DEFAULT_CONTAINER, outline_of
from netlab.model.pod import Pod
from netlab.store.outlines import pod_outline
from netlab.store.store import Store
from tests.generated import GOOD

NOW = 1_700_000_000.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path, build):
    found = Store(path, lambda: NOW, create=True)
    found.put_lab(build.lab())
    for node in nodes(build.lab().spec):
        found.put(node)
    yield found
    found.close()


def with_init(pod, *names):
    return replace(pod, spec=replace(pod.spec, init_containers=tuple(Container(name=name, image="host") for name in names)))


def annotated(pod, container):
    return replace(pod, metadata=replace(pod.metadata, annotations={DEFAULT_CONTAINER: container, "other": "x"}))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pod: pod, id="as it is"),
        pytest.param(lambda pod: with_init(pod, "first", "second"), id="init containers"),
        pytest.param(lambda pod: annotated(pod, "main"), id="a container that its annotation names"),
        pytest.param(lambda pod: replace(pod, status=replace(pod.status, phase="Succeeded")), id="ended"),
        pytest.param(lambda pod: replace(pod, status=replace(pod.status, phase="Pending")), id="not yet begun"),
    ],
)
@pytest.mark.parametrize("is_reported", [False, True])
def test_an_outline_is_that_of_the_pod(store, path, build, change, is_reported):
    pod = store.put(change(build.pod("web", "team")))
    if is_reported:
        store.put_status(pod, pod.status)
    [known] = store.cluster().pods
    assert pod_outline(path, "team", "web", unless_node=True) == outline_of(known)


@pytest.mark.parametrize("manifest", [path for path in GOOD if "kind: Pod\n" in path.read_text()], ids=lambda path: path.stem)
def test_an_outline_is_that_of_any_pod_that_can_be_written(store, path, manifest):
    store.put_all(item for item in load([str(manifest)]) if isinstance(item, Pod))
    assert store.cluster().pods
    for pod in store.cluster().pods:
        assert pod_outline(path, pod.metadata.namespace, pod.metadata.name, unless_node=True) == outline_of(pod)


DAMAGE = {
    "object": "UPDATE objects SET body = ? WHERE kind = 'Pod'",
    "lab": "UPDATE facts SET value = ? WHERE name = 'lab'",
    "status": "UPDATE statuses SET body = ?",
}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("nosuch", lambda _: None, id="no such Pod"),
        pytest.param("node-1", lambda _: None, id="a Node is called so"),
        pytest.param("web", lambda store: store.put_lab(stop_machines(store.lab(), ["node-1"], NOW)), id="a machine is off"),
        pytest.param(
            "web",
            lambda store: store.put_lab(start_machines(stop_machines(store.lab(), ["node-1"], NOW), ["node-1"], NOW + 1)),
            id="a machine was off",
        ),
        pytest.param("web", lambda store: store.execute("DELETE FROM facts WHERE name = 'lab'"), id="a lab that is half-made"),
        *(
            pytest.param("web", lambda store, what=what, text=text: store.execute(DAMAGE[what], text), id=f"{what} is {text}")
            for what in DAMAGE
            for text in ("[]", "{", "5", '"status"')
        ),
        pytest.param("web", lambda store: store.execute(DAMAGE["object"], '{"metadata": {}}'), id="half a Pod"),
    ],
)
def test_who_must_look_closer_is_told_nothing(store, path, build, name, change):
    for pod in (build.pod("web"), build.pod("node-1")):
        store.put_status(store.put(pod), pod.status)
    change(store)
    assert pod_outline(path, "default", name, unless_node=True) is None


def test_a_pod_can_be_meant_although_a_node_is_called_so(store, path, build):
    pod = store.put(build.pod("node-1"))
    assert pod_outline(path, "default", "node-1", unless_node=False) == replace(outline_of(pod), phase="Pending")


def test_without_a_lab_there_is_no_outline(path):
    assert pod_outline(path, "default", "web", unless_node=True) is None


def test_a_file_that_is_no_state_file_says_what_to_do(path):
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(NetlabError, match="netlab down"):
        pod_outline(path, "default", "web", unless_node=True)
