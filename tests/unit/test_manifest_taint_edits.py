"""What `taint` and `cordon` make of a Node: kubectl's words for what was done, and for what cannot be."""

from dataclasses import replace

import pytest

from netlab.errors import ManifestError, NetlabError
from netlab.manifest.taint_edits import parse_taints, split_taints, with_cordon, with_taints
from netlab.model.meta import ObjectMeta
from netlab.model.node import Node, NodeSpec


def a_node(*words, **spec):
    node = Node(metadata=ObjectMeta(name="node-1"), spec=NodeSpec(**spec))
    return with_taints(node, parse_taints(words), overwrite=False)[0] if words else node


HAS = ("disk=slow:NoSchedule", "disk:NoExecute")


@pytest.mark.parametrize(
    ("before", "words", "overwrite", "after", "done"),
    [
        pytest.param((), "gpu=yes:NoSchedule", False, "gpu=yes:NoSchedule", "tainted", id="the first one"),
        pytest.param(HAS, "gpu:NoExecute", False, "gpu:NoExecute disk=slow:NoSchedule disk:NoExecute", "tainted", id="a new one stands first"),
        pytest.param(HAS, "disk:PreferNoSchedule", False, "disk:PreferNoSchedule disk=slow:NoSchedule disk:NoExecute", "tainted", id="the same key, another effect"),
        pytest.param(HAS, "disk:NoSchedule-", False, "disk:NoExecute", "untainted", id="one effect is taken away"),
        pytest.param(HAS, "disk-", False, "", "untainted", id="all effects are"),
        pytest.param(HAS, "disk=whatever:NoSchedule-", False, "disk:NoExecute", "untainted", id="whatever value is said"),
        pytest.param(HAS, "gpu:NoExecute disk-", False, "gpu:NoExecute", "modified", id="one comes, others go"),
        pytest.param(HAS, "disk=fast:NoSchedule", True, "disk=fast:NoSchedule disk:NoExecute", "modified", id="another value, as was allowed"),
        pytest.param((), "gpu:NoSchedule", True, "gpu:NoSchedule", "modified", id="--overwrite: modified, whatever it was"),
    ],
)  # fmt: skip
def test_taints_come_and_go(before, words, overwrite, after, done):
    node, word = with_taints(a_node(*before), parse_taints(words.split()), overwrite=overwrite)
    assert (" ".join(map(str, node.spec.taints)), word) == (after, done)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        pytest.param("disk=fast:NoSchedule", "node node-1 already has disk taint(s) with same effect(s) and --overwrite is false", id="there already"),
        pytest.param("disk:NoExecute disk:NoSchedule", "node node-1 already has disk,disk taint(s) with same effect(s) and --overwrite is false", id="two that are"),
        pytest.param("gpu-", 'taint "gpu" not found', id="not there"),
        pytest.param("disk:PreferNoSchedule-", 'taint "disk:PreferNoSchedule" not found', id="not with this effect"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_this_node(words, error):
    with pytest.raises(NetlabError) as raised:
        with_taints(a_node(*HAS), parse_taints(words.split()), overwrite=False)
    assert str(raised.value) == error


@pytest.mark.parametrize(
    ("words", "error"),
    [
        pytest.param(["a:b:c"], "invalid taint spec: a:b:c", id="two colons"),
        pytest.param(["a=b=c:NoSchedule"], "invalid taint spec: a=b=c:NoSchedule", id="two equal signs"),
        pytest.param(["a:Never"], "invalid taint effect: Never, unsupported taint effect", id="no such effect"),
        pytest.param(["a:"], "invalid taint effect: , unsupported taint effect", id="an empty effect"),
        pytest.param([":NoSchedule"], "invalid taint spec: :NoSchedule, name part must be non-empty", id="no key"),
        pytest.param(["a/b/c:NoSchedule"], "invalid taint spec: a/b/c:NoSchedule, prefix part", id="a prefix that is none"),
        pytest.param(["a:NoExecute", "a-"], "can not both modify and remove the following taint(s) in the same command: a=", id="both"),
    ],
)  # fmt: skip
def test_what_is_no_taint(words, error):
    with pytest.raises(ManifestError) as raised:
        parse_taints(words)
    assert str(raised.value).startswith(error)


def test_names_stand_before_taints():
    assert split_taints(["nodes", "node-1", "a:NoSchedule", "b-"]) == (["nodes", "node-1"], ["a:NoSchedule", "b-"])
    with pytest.raises(ManifestError, match="all resources must be specified before taint changes: node-1"):
        split_taints(["nodes", "a:NoSchedule", "node-1"])


@pytest.mark.parametrize(
    ("closed", "wished", "word"),
    [(False, True, "cordoned"), (True, True, "already cordoned"), (True, False, "uncordoned"), (False, False, "already uncordoned")],
)  # fmt: skip
def test_a_node_is_closed_and_opened(closed, wished, word):
    node = a_node(unschedulable=closed)
    assert with_cordon(node, wished=wished) == (replace(node, spec=replace(node.spec, unschedulable=wished)), word)
