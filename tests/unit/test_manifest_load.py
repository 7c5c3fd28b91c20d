"""The door: files, directories, standard input, namespaces, and what `get -o yaml` prints."""

import io
import os
import time

import pytest
import yaml

from netlab.errors import ManifestError
from netlab.manifest.load import folders_inside, load
from netlab.manifest.tree import MAX_BYTES
from netlab.model.codec import encode
from netlab.model.container import Container
from netlab.model.meta import Key, ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def from_text(text, namespace=None):
    return load(["-"], namespace, io.StringIO(text))


def complaints(*paths, namespace=None, stdin=None):
    with pytest.raises(ManifestError) as caught:
        load([str(path) for path in paths], namespace, stdin)
    return [str(problem) for problem in caught.value.problems]


def test_directory_is_read_in_order_and_not_below(tmp_path):
    for name in ("b.yaml", "a.yml", "c.json", "d.txt", ".e.swp"):
        (tmp_path / name).write_text(CONFIG_MAP % name[0])
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "f.yaml").write_text(CONFIG_MAP % "f")
    assert [item.metadata.name for item in load([str(tmp_path)])] == ["a", "b", "c"]


def test_paths_are_read_in_the_order_they_are_given(tmp_path):
    (tmp_path / "a.yaml").write_text(CONFIG_MAP % "a")
    objects = load(["-", str(tmp_path / "a.yaml")], stdin=io.StringIO(CONFIG_MAP % "z"))
    assert [item.metadata.name for item in objects] == ["z", "a"]


def test_json_indented_with_tabs():
    objects = from_text(
        '{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap",\n\t"metadata": {"name": "a"}, "data": {"x": "\\/\\u00e9"}\n}'
    )
    assert objects[0].data == {"x": "/é"}


def test_byte_order_mark_and_windows_lines(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + (CONFIG_MAP % "a").replace("\n", "\r\n").encode())
    assert load([str(tmp_path / "a.yaml")])[0].metadata.name == "a"


def test_unreadable_paths_are_all_named(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    said = complaints(tmp_path / "none.yaml", tmp_path / "empty", tmp_path / "latin.yaml", tmp_path / "large.yaml", "nul\0")
    assert [line.removeprefix(f"{tmp_path}/") for line in said] == [
        '"nul\\u0000": is not a file name',
        "empty: holds no *.yaml, *.yml, *.json",
        "large.yaml: is larger than 10 MiB",
        "latin.yaml: is not UTF-8 (byte 3 is 0xe9) (save it as UTF-8)",
        "none.yaml: No such file or directory",
    ]


def test_one_bad_file_does_not_hide_another(tmp_path):
    (tmp_path / "a.yaml").write_text("kind: [\n")
    (tmp_path / "b.yaml").write_text("kind: Pdo\n")
    assert [line.split(":")[1] for line in complaints(tmp_path)] == ["2", "1"]


def test_nothing_at_all():
    assert complaints() == ["stdin: holds no objects (an object begins with apiVersion and kind)"]


def test_standard_input_that_is_not_utf8():
    stdin = io.TextIOWrapper(io.BytesIO(b"a: \xff"), encoding="utf-8")
    assert complaints("-", stdin=stdin) == ["stdin: is not UTF-8 (byte 3 is 0xff) (save it as UTF-8)"]


def test_standard_input_with_surrogates():
    stdin = io.TextIOWrapper(io.BytesIO(b"a: \xff"), encoding="utf-8", errors="surrogateescape")
    assert "is not UTF-8" in complaints("-", stdin=stdin)[0]


@pytest.mark.parametrize(
    ("kind", "own", "asked", "expected"),
    [
        pytest.param("ConfigMap", "", None, "default", id="default"),
        pytest.param("ConfigMap", "", "shop", "shop", id="as asked"),
        pytest.param("ConfigMap", "shop", None, "shop", id="its own"),
        pytest.param("ConfigMap", "shop", "shop", "shop", id="its own, as asked"),
        pytest.param("Namespace", "", "shop", "", id="a Namespace is in none"),
        pytest.param("Node", "", "shop", "", id="a Node is in none"),
    ],
)
def test_namespace(kind, own, asked, expected):
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a, namespace: '{own}'}}\n"
    assert from_text(text, asked)[0].key == Key(kind, expected, "a")


@pytest.mark.parametrize("asked", ["c", "default"])
def test_object_of_another_namespace_than_asked_for(asked):
    stdin = io.StringIO("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: b\n")
    assert complaints("-", namespace=asked, stdin=stdin) == [
        f'stdin:5: configmap/a metadata.namespace: is "b", which is not the namespace asked for (-n {asked})'
    ]


def test_same_object_in_two_files(tmp_path):
    (tmp_path / "a.yaml").write_text("\n" + CONFIG_MAP % "a")
    (tmp_path / "b.yaml").write_text(CONFIG_MAP % "a")
    said = complaints(tmp_path)
    first = f"{tmp_path}/b.yaml:3: configmap/a metadata.name: the same ConfigMap is already in {tmp_path}/a.yaml:2"
    assert said == [f"{first} (leave one of them out, or give it another name)"]


def test_what_get_prints_can_be_applied_again():
    pod = Pod(
        metadata=ObjectMeta(name="web", namespace="shop", uid="u", creation_timestamp="2026-01-31T12:00:00Z"),
        spec=PodSpec(containers=(Container(name="c", image="host", command=("sleep", "9")),), node_name="node-1"),
        status=PodStatus(phase="Running", pod_ips=("10.244.1.2",), container_statuses=(ContainerStatus(name="c"),)),
    )
    plain = encode(pod)
    plain["metadata"] |= {"resourceVersion": "7", "generation": 1, "managedFields": [{"a": 1}], "selfLink": "x"}
    again = from_text(yaml.safe_dump(plain))
    assert again == [Pod(metadata=ObjectMeta(name="web", namespace="shop"), spec=pod.spec)]


def test_minimal_objects_get_their_defaults():
    service = from_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n")[0]
    port = service.spec.ports[0]
    assert (service.spec.type, port.protocol, port.target_port, service.spec.cluster_ip) == ("ClusterIP", "TCP", 0, "")


def test_merge_keys_and_aliases():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: &l {a: b, c: d}, annotations: {<<: *l, c: e}}\n"
    meta = from_text(text)[0].metadata
    assert (meta.labels, meta.annotations) == ({"a": "b", "c": "d"}, {"a": "b", "c": "e"})


HOSTILE = {
    "open brackets": "[" * 1_000_000,
    "open braces": "{" * 1_000_000,
    "nested sequences": "- " * 100_000,
    "nested mappings": "? " * 100_000,
    "many markers": "---\n" * 300_000,
    "many bad documents": "---\n[\n" * 100_000,
    "many keys": "".join(f"k{n}: v\n" for n in range(100_000)),
    "long line": "a: " + "x" * 5_000_000,
    "long number": "a: " + "9" * 1_000_000,
    "many numbers": "a: [" + "1," * 200_000 + "]",
    "anchors in a row": "a: [" + "".join(f"&a{n} x, " for n in range(100_000)) + "]",
    "many unknown fields": CONFIG_MAP % "a" + "".join(f"unknown-field-number-{n}: v\n" for n in range(3_000)),
    "large hexadecimal": f"a: 0x{'f' * 240}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_is_refused_in_seconds(text):
    start = time.process_time()
    with pytest.raises(ManifestError):
        from_text(text)
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param(".", [".", "a/b", "c"], id="folders that hold manifests"),
        pytest.param("c", ["c"], id="one without folders"),
        pytest.param("empty", ["empty"], id="nothing to read is said by who reads it"),
        pytest.param("x.yaml", ["x.yaml"], id="a file"),
        pytest.param("nosuch", ["nosuch"], id="nothing there"),
        pytest.param("-", ["-"], id="standard input"),
    ],
)
def test_folders_inside(tmp_path, monkeypatch, path, found):
    for name in ("x.yaml", "a/notes.txt", "a/b/y.yml", "c/z.json", "empty/readme.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert [os.path.normpath(one) for one in folders_inside(path)] == found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(r"\ud83d\ude00", "\U0001f600", id="two halves are one character"),
        pytest.param(r"\ud83d alone", None, id="a half alone is none"),
        pytest.param(r"\\ud83d", r"\ud83d", id="an escaped backslash"),
        pytest.param(r"\uD83D\uDE00!", "\U0001f600!", id="in capitals"),
        pytest.param(r"\u00e9", "\u00e9", id="one of one part"),
    ],
)
def test_json_may_say_a_character_in_two_halves(value, text):
    manifest = f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "a"}}, "data": {{"x": "{value}"}}}}'
    if text is None:
        with pytest.raises(ManifestError):
            load(["-"], stdin=io.StringIO(manifest))
    else:
        (item,) = load(["-"], stdin=io.StringIO(manifest))
        assert item.data == {"x": text}
