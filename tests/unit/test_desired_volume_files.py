"""The files of volumes: which keys and fields become which files, and what is said of those that are missing."""

import re

import pytest

from netlab.desired.assignments import Assignments
from netlab.desired.downward import pairs
from netlab.desired.sandboxes import sandbox
from netlab.desired.volume_files import volume_files
from netlab.errors import MountFailure
from netlab.model.codec import decode
from netlab.model.config import ConfigMap, Secret
from netlab.model.container import Container, VolumeMount
from netlab.model.lab import Cluster, Lab
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.volume import Volume
from netlab.netstate.process import BindMount
from netlab.netstate.volume import digest_of

SETTINGS = ConfigMap(metadata=ObjectMeta(name="settings", namespace="shop"), data={"a": "1"}, binary_data={"b": "/w=="})
LOGIN = Secret(metadata=ObjectMeta(name="login", namespace="shop"), data={"password": "aHVudGVyMg=="})
META = ObjectMeta(name="web", namespace="shop", uid="u1", labels={"b": "2", "a": "1"}, annotations={"note": 'say "hi"\n\u0007'})
ALL = {"name": "settings", "items": [{"key": "a", "path": "x/a"}]}


def pod(**source):
    problems = []
    volume = decode(Volume, {"name": "v", **source}, problems)
    assert not problems
    mount = VolumeMount(name="v", mount_path="/v")
    container = Container(name="c", image="host", command=("true",), volume_mounts=(mount,))
    return Pod(metadata=META, spec=PodSpec(containers=(container,), volumes=(volume,)))


def cluster():
    return Cluster(lab=Lab(metadata=ObjectMeta(name="demo"))).with_objects((SETTINGS, LOGIN))


def made(**source):
    [volume] = volume_files(cluster(), Assignments(), pod(**source))
    return {file.path: (file.content, file.mode) for file in volume.files}


def fields(**files):
    return [{"path": path, "fieldRef": {"fieldPath": field}} for path, field in files.items()]


@pytest.mark.parametrize(
    ("source", "files"),
    [
        pytest.param({"configMap": {"name": "settings"}}, {"a": (b"1", 0o644), "b": (b"\xff", 0o644)}, id="every key"),
        pytest.param(
            {"configMap": {"name": "settings", "defaultMode": 256, "items": [{"key": "b", "path": "x/y", "mode": 493}]}},
            {"x/y": (b"\xff", 0o755)},
            id="items have paths and modes",
        ),
        pytest.param({"secret": {"secretName": "login", "defaultMode": 256}}, {"password": (b"hunter2", 0o400)}, id="a Secret"),
        pytest.param({"configMap": {"name": "no", "optional": True}}, {}, id="an optional object"),
        pytest.param(
            {"secret": {"secretName": "login", "optional": True, "items": [{"key": "no", "path": "no"}]}}, {}, id="an optional key"
        ),
        pytest.param(
            {"downwardAPI": {"items": fields(labels="metadata.labels", name="metadata.name", one="metadata.labels['a']")}},
            {"labels": (b'a="1"\nb="2"', 0o644), "name": (b"web", 0o644), "one": (b"1", 0o644)},
            id="fields of the Pod",
        ),
        pytest.param(
            {"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "requests.cpu"}}]}},
            {"cpu": (b"0", 0o644)},
            id="a resource of a container",
        ),
        pytest.param(
            {"projected": {"sources": [
                {"configMap": ALL}, {"secret": {"name": "login"}}, {"downwardAPI": {"items": fields(uid="metadata.uid")}},
            ], "defaultMode": 292}},
            {"x/a": (b"1", 0o444), "password": (b"hunter2", 0o444), "uid": (b"u1", 0o444)},
            id="several sources",
        ),
    ],
)  # fmt: skip
def test_files_of_a_volume(source, files):
    assert made(**source) == files


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param({"configMap": {"name": "no"}}, 'configmap "no" not found', id="ConfigMap"),
        pytest.param({"secret": {"secretName": "no"}}, 'secret "no" not found', id="Secret"),
        pytest.param(
            {"configMap": {"name": "settings", "items": [{"key": "no", "path": "x"}]}},
            "configmap references non-existent config key: no",
            id="key of a ConfigMap",
        ),
        pytest.param(
            {"projected": {"sources": [{"secret": {"name": "login", "items": [{"key": "no", "path": "x"}]}}]}},
            "references non-existent secret key: no",
            id="key of a Secret",
        ),
        pytest.param(
            {
                "downwardAPI": {
                    "items": [{"path": "cpu", "resourceFieldRef": {"containerName": "no", "resource": "limits.cpu"}}]
                }
            },
            "container no not found",
            id="container whose resource is asked for",
        ),
        pytest.param(
            {"configMap": {"name": "settings", "items": [{"key": "a", "path": "x"}, {"key": "b", "path": "x/y"}]}},
            '"x" cannot be a file and a directory',
            id="a file in the way",
        ),
    ],
)
def test_what_is_missing_is_said_in_the_kubelets_words(source, message):
    with pytest.raises(MountFailure, match=re.escape(f'MountVolume.SetUp failed for volume "v" : {message}')):
        sandbox(cluster(), Assignments(), pod(**source))


def test_labels_are_quoted_as_go_does_it():
    assert pairs({"k": 'a"\\\n\t\u0007\u00e9\u202e\x7f'}) == 'k="a\\"\\\\\\n\\t\\a\u00e9\\u202e\\x7f"'


@pytest.mark.parametrize(
    ("source", "mount"),
    [
        ({"configMap": {"name": "settings"}}, "volumes/v"),
        ({"secret": {"secretName": "login"}}, "secrets/v"),
        ({"projected": {"sources": [{"secret": {"name": "login"}}]}}, "secrets/v"),
        ({"projected": {"sources": [{"configMap": {"name": "settings"}}]}}, "volumes/v"),
    ],
)
def test_containers_may_only_read_them_and_what_is_secret_is_in_memory(source, mount):
    [process] = sandbox(cluster(), Assignments(), pod(**source)).containers
    assert process.mounts == (BindMount(source=mount, destination="/v", read_only=True, volume="v"),)


def test_what_is_written_is_known_by_name_contents_and_modes_and_not_shown():
    def digest(**source):
        return digest_of(volume_files(cluster(), Assignments(), pod(**source)))

    once = digest(secret={"secretName": "login"})
    assert once == digest(secret={"secretName": "login"})
    assert once != digest(secret={"secretName": "login", "defaultMode": 256})
    assert once != digest(secret={"secretName": "login", "items": [{"key": "password", "path": "p"}]})
    assert "hunter2" not in repr(sandbox(cluster(), Assignments(), pod(secret={"secretName": "login"})))
