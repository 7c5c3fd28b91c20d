"""The words of the command line: kinds, names, selectors, ages, log lines."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from netlab.cli.cells import aligned, duration
from netlab.cli.find import find_machine, find_pod
from netlab.cli.main import ALL_VERBS, group
from netlab.cli.reaching import container_of
from netlab.cli.words import keys, kinds, subject
from netlab.errors import ManifestError, NotFound
from netlab.model.meta import Key
from netlab.model.outline import outline_of


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("po", ["Pod"]),
        ("pods", ["Pod"]),
        ("SVC", ["Service"]),
        ("pods,svc", ["Pod", "Service"]),
        ("deployments.apps", ["Deployment"]),
        ("ep,endpoints", ["Endpoints", "Endpoints"]),
        ("endpointslices.discovery.k8s.io", ["EndpointSlice"]),
        ("all", ["Pod", "Service", "DaemonSet", "Deployment", "ReplicaSet", "Job"]),
    ],
)
def test_kinds(word, expected):
    assert kinds(word) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pod", "a", "b"), ["default/Pod/a", "default/Pod/b"]),
        (("pod/a", "svc/b"), ["default/Pod/a", "default/Service/b"]),
        (("node", "n"), ["/Node/n"]),
        (("pod",), []),
        ((), []),
    ],
)
def test_keys(words, expected):
    assert [f"{key.namespace}/{key.kind}/{key.name}" for key in keys(words, "default")] == expected


@pytest.mark.parametrize("words", [("gadget", "a"), ("pod/a", "b"), ("pod", "svc/b"), ("pod/",)])
def test_words_that_mean_nothing(words):
    with pytest.raises(ManifestError):
        keys(words, "default")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (200, "3m20s"), (3600, "60m"), (10799, "179m"), (3 * 3600, "3h"), (5 * 3600 + 120, "5h2m"),
     (10 * 3600, "10h"), (50 * 3600, "2d2h"), (9 * 86400, "9d")],
)  # fmt: skip
def test_durations_are_shortened_as_kubectl_does(seconds, expected):
    assert duration(seconds) == expected


def test_columns_are_three_blanks_apart():
    assert aligned([["NAME", "AGE"], ["longer", "1s"]]) == "NAME     AGE\nlonger   1s"


def test_subjects():
    assert subject(Key("Pod", "default", "web")) == "pod/web"
    assert subject(Key("Deployment", "default", "web")) == "deployment.apps/web"


def test_machines_and_pods_are_found_by_name(build):
    cluster = build.cluster(build.pod("web"), build.pod("node-1"))
    assert find_machine(cluster, "node-1") == "demo.node-1"
    assert find_machine(cluster, "outside") == "demo.outside"
    assert find_machine(cluster, "pod/node-1") is None
    assert find_machine(cluster, "web") is None
    assert find_pod(cluster, "pod/node-1", "default").metadata.name == "node-1"
    with pytest.raises(NotFound):
        find_machine(cluster, "node/nosuch")
    with pytest.raises(NotFound):
        find_pod(cluster, "web", "elsewhere")


def test_container_must_be_named_if_there_are_several(build):
    pod = build.pod("web")
    only = pod.spec.containers[0].name
    assert container_of(outline_of(pod), None) == only
    with pytest.raises(NotFound, match=only):
        container_of(outline_of(pod), "nosuch")
    both = build.cluster(pod).pods[0]
    assert container_of(outline_of(both), only) == only


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_every_verb_explains_itself(verb):
    done = CliRunner().invoke(group, [verb, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output
