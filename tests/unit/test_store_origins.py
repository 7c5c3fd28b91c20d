"""Where objects and their fields were written: what is kept by apply and by commands, and what a file that has changed still says."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.engine.apply import apply, delete
from netlab.engine.proxy import set_proxy_mode
from netlab.engine.up import up
from netlab.manifest.load import load_written
from netlab.manifest.origin import MADE_BY_UP, Origin
from netlab.model.meta import Key
from netlab.store.origins import Origins, origins
from tests.fake_lab import SERVICE, a_deployment

WEB = """# a comment before it
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: main
          image: host
          command: [run]
          resources: {limits: {cpu: 0.5}}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - {name: one, port: 80}
    - name: "two"
      port: 81
      nodePort: 30081
  type: NodePort
"""
DEPLOYMENT, SERVICE_KEY = Key("Deployment", "default", "web"), Key("Service", "default", "web")


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """`web.yaml` in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    return path


def applied(bench, *paths: str, stdin: str = ""):
    apply(bench.session, load_written(paths, stdin=io.StringIO(stdin)))
    bench.after()


def known(bench) -> Origins:
    store = bench.session.store
    return Origins(store.cluster(), origins(store))


def place(bench, key: Key, path: str = "") -> str:
    return str(known(bench).place(bench.session.store.cluster().objects[key], path))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("", 17, id="the object itself"),
        pytest.param("spec.ports[1].nodePort", 27, id="a field"),
        pytest.param("spec.ports[0].nodePort", 24, id="a value that netlab gave: the port it is given to"),
        pytest.param("spec.clusterIP", 21, id="a field of the spec that is not written: the spec"),
        pytest.param("metadata.name", 20, id="a name"),
        pytest.param("spec.ports[7].port", 23, id="what is not there: the list"),
    ],
)
def test_the_line_of_a_field(bench, manifest, path, line):
    applied(bench, "web.yaml")
    assert place(bench, SERVICE_KEY, path) == f"web.yaml:{line}"


def test_a_place_tells_which_field_stands_there(bench, manifest):
    applied(bench, "web.yaml")
    service = bench.session.store.cluster().objects[SERVICE_KEY]
    found = known(bench)
    assert found.place(service, "spec.ports[1].nodePort").path == "spec.ports[1].nodePort"
    assert found.place(service, "spec.ports[0].nodePort").path == "spec.ports[0]"


def test_a_file_that_has_changed_since_only_tells_where_the_object_was(bench, manifest):
    applied(bench, "web.yaml")
    manifest.write_text("# one more line\n" + WEB)
    assert place(bench, SERVICE_KEY, "spec.ports[1].nodePort") == "web.yaml:17"
    manifest.unlink()
    assert place(bench, DEPLOYMENT, "spec.replicas") == "web.yaml:2"


def test_the_file_is_found_from_another_directory_and_called_as_it_was_typed(bench, manifest, monkeypatch):
    applied(bench, "./web.yaml")
    monkeypatch.chdir("/")
    assert place(bench, SERVICE_KEY, "spec.type") == "./web.yaml:28"
    origin = known(bench).origin(bench.session.store.cluster().objects[SERVICE_KEY])
    assert Path(origin.file.path) == manifest


def test_applied_again_the_newest_place_counts_though_nothing_else_changed(bench, manifest):
    applied(bench, "web.yaml")
    manifest.write_text("# one more line\n" + WEB)
    applied(bench, "web.yaml")
    assert place(bench, SERVICE_KEY, "spec.ports[1].nodePort") == "web.yaml:28"
    assert len(bench.session.store.execute("SELECT * FROM sources")) == 1


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("---\n", id="a marker before it"),
        pytest.param("--- # a comment\n", id="a comment behind the marker"),
        pytest.param("# only words\n---\n---\n", id="empty documents"),
        pytest.param("".join(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{n}}}}}\n---\n" for n in range(9)), id="others"),
        pytest.param('{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: "\u2028", b: "---x"}}\n---\n', id="a line of YAML alone"),
        pytest.param("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: &a b, c: *a}}\n---\n", id="read in the slow way"),
    ],
)  # fmt: skip
def test_the_lines_of_a_document_are_those_of_the_file(bench, manifest, before):
    manifest.write_text(before + WEB)
    applied(bench, "web.yaml")
    line = int(place(bench, SERVICE_KEY, "spec.type").removeprefix("web.yaml:"))
    assert (before + WEB).split("\n")[line - 1] == "  type: NodePort"


def test_lines_of_windows_are_lines(bench, manifest):
    manifest.write_bytes(WEB.replace("\n", "\r\n").encode())
    applied(bench, "web.yaml")
    assert place(bench, SERVICE_KEY, "spec.type") == "web.yaml:28"


def test_standard_input_has_a_line_and_cannot_be_read_again(bench):
    applied(bench, "-", stdin=WEB)
    assert place(bench, SERVICE_KEY, "spec.ports[1].nodePort") == "stdin:17"


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_looked_up_as_yaml_is(bench, tmp_path, indent):
    services = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}} for name in "ab"
    ]
    path = tmp_path / "list.json"
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": services}, indent=indent)
    path.write_text(text)
    applied(bench, str(path))
    line = text[: text.index("port", text.index('"b"'))].count("\n") + 1
    assert place(bench, Key("Service", "default", "b"), "spec.ports").removeprefix(str(path)) == f":{line}"
    path.write_text(text + "\n")
    assert place(bench, Key("Service", "default", "b"), "spec.ports") == str(path)


def test_items_of_a_list_have_lines_of_their_own(bench):
    item = "- apiVersion: v1\n  kind: Service\n  metadata: {{name: {}}}\n  spec: {{ports: [{{port: 80}}]}}\n"
    applied(bench, "-", stdin="apiVersion: v1\nkind: List\nitems:\n" + item.format("a") + item.format("b"))
    assert place(bench, Key("Service", "default", "b")) == "stdin:8"


def test_what_a_command_made_says_the_command(bench):
    apply(bench.session, [SERVICE], verb="netlab expose")
    assert place(bench, SERVICE.key, "spec.ports[0].port") == "netlab expose"
    apply(bench.session, [SERVICE], verb="netlab label")
    assert place(bench, SERVICE.key) == "netlab expose"


def test_a_field_that_a_command_changed_says_the_command_and_the_others_their_lines(bench, manifest):
    applied(bench, "web.yaml")
    web = bench.session.store.cluster().objects[DEPLOYMENT]
    apply(bench.session, [replace(web, spec=replace(web.spec, replicas=3))], verb="netlab scale")
    bench.after()
    assert place(bench, DEPLOYMENT, "spec.replicas") == "netlab scale"
    assert place(bench, DEPLOYMENT, "spec.selector") == "web.yaml:7"
    assert place(bench, DEPLOYMENT, "spec.template.spec.containers[0].resources.limits.cpu") == "web.yaml:15"
    applied(bench, "web.yaml")
    assert place(bench, DEPLOYMENT, "spec.replicas") == "web.yaml:6"


def test_what_follows_from_an_object_is_where_that_is(bench, manifest):
    applied(bench, "web.yaml")
    cluster = bench.session.store.cluster()
    pod = next(pod for pod in cluster.pods if pod.metadata.namespace == "default")
    assert known(bench).origin(pod).owner == DEPLOYMENT
    assert str(known(bench).place(pod, "spec.containers[0].image")) == "web.yaml:13"
    assert str(known(bench).origin(pod)) == "web.yaml:2, for deployment/web"


def test_what_up_made_says_so(bench):
    assert place(bench, Key("Service", "kube-system", "kube-dns"), "spec.ports") == MADE_BY_UP


def test_a_dry_run_and_a_deleted_object_leave_nothing(bench, manifest):
    apply(bench.session, load_written(["web.yaml"]), dry_run=True)
    assert origins(bench.session.store) == {}
    applied(bench, "web.yaml")
    delete(bench.session, [DEPLOYMENT, SERVICE_KEY])
    bench.after()
    assert origins(bench.session.store) == {}


def test_an_owner_that_is_gone_leaves_what_it_made_without_a_place(bench):
    apply(bench.session, [a_deployment(1)], verb="netlab create deployment")
    bench.after()
    cluster = bench.session.store.cluster()
    pod = next(pod for pod in cluster.pods if pod.metadata.namespace == "default")
    gone = cluster.without({key for key in cluster.objects if key.kind == "ReplicaSet"})
    assert Origins(gone, origins(bench.session.store)).origin(pod).owner is None


def test_a_name_of_a_file_that_cannot_be_written_down_is_not_read_again(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("we\udcffb.yaml").write_text(WEB)
    applied(bench, "we\udcffb.yaml")
    assert place(bench, SERVICE_KEY, "spec.type").endswith(":17")


LAB = """apiVersion: netlab/v1
kind: Lab
metadata:
  name: other
spec:
  nodes:
    - name: node-1
    - name: node-2
    - name: node-3
  kubeProxy:
    mode: nftables
"""


def lab_place(bench, path: str) -> str:
    return str(known(bench).place(bench.session.store.cluster().services[0], f"Lab {path}"))


def test_fields_of_the_lab_have_places_too(bench, tmp_path, monkeypatch):
    assert lab_place(bench, "spec.podSubnet") == MADE_BY_UP
    monkeypatch.chdir(tmp_path)
    Path("lab.yaml").write_text(LAB)
    [written] = load_written(["lab.yaml"])
    up(bench.session, written.item.spec, Origin(written.source.file, written.line, verb=""))
    assert lab_place(bench, "spec.kubeProxy.mode") == "lab.yaml:11"
    assert lab_place(bench, "spec.podSubnet") == "lab.yaml:5"
    set_proxy_mode(bench.session, "iptables", [], "nft")
    assert lab_place(bench, "spec.kubeProxy.mode") == "netlab proxy mode"
    assert lab_place(bench, "spec.nodes[1].name") == "lab.yaml:8"
