"""Verbs that change objects, one after another and on several objects: what stays, what goes, what is printed."""

from __future__ import annotations

import json

import pytest

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: host, command: [sleep, infinity]}]
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: main, image: host, command: [sleep, infinity]}]}\n"


def labels(lab, *words):
    return lab.json(*words)["metadata"]["labels"]


def replicas(lab):
    return lab.json("deployment", "web")["spec"].get("replicas", 1)


def test_apply_keeps_what_others_set(lab):
    lab.apply(MANIFEST)
    lab("scale", "deployment/web", "--replicas=3")
    lab("label", "service/web", "team=shop")
    lab("set", "env", "deployment/web", "COLOUR=red")
    assert lab.apply(MANIFEST) == "service/web unchanged\ndeployment.apps/web unchanged\n"
    assert lab.run("diff", "-f", "-", stdin=MANIFEST).code == 0
    assert (replicas(lab), labels(lab, "service", "web")) == (3, {"app": "web", "tier": "front", "team": "shop"})
    less = MANIFEST.replace("labels: {app: web, tier: front}", "labels: {app: web}")
    assert lab.apply(less).startswith("service/web configured\n")
    assert labels(lab, "service", "web") == {"app": "web", "team": "shop"}


def test_what_a_manifest_says_counts_and_what_it_said_goes(lab):
    counted = MANIFEST.replace("spec:\n  selector: {match", "spec:\n  replicas: 2\n  selector: {match")
    lab.apply(counted)
    lab("scale", "deployment/web", "--replicas=4")
    assert "deployment.apps/web configured" in lab.apply(counted)
    assert replicas(lab) == 2
    lab.apply(MANIFEST)
    assert replicas(lab) == 1


def test_an_object_made_again_is_not_merged_with_the_one_before(lab):
    lab.apply(MANIFEST)
    lab("delete", "service", "web")
    lab("expose", "deployment", "web", "--port=80", "--labels=tier=back")
    lab.apply(MANIFEST.replace(", tier: front", ""))
    assert labels(lab, "service", "web") == {"app": "web", "tier": "back"}


def test_what_a_lab_prints_can_be_applied(lab):
    lab.apply(MANIFEST)
    printed = lab("get", "service,deployment", "-o", "yaml")
    # The Services are web and kubernetes. That one has the address which it was given is no wish.
    assert lab.apply(printed).count("unchanged") == 3
    assert lab.apply(printed.replace("tier: front", "tier: back")).count("configured") == 1
    assert lab.apply(printed).count("configured") == 1
    assert lab.apply(MANIFEST).count("unchanged") == 2
    assert lab.json("service", "web")["spec"]["clusterIP"] in printed


def test_those_that_exist_are_changed_and_the_others_named(lab):
    lab.apply(f"{POD % 'a'}---\n{POD % 'b'}")
    done = lab.run("label", "pod", "a", "nosuch", "b", "colour=red")
    assert (done.code, done.out) == (1, "pod/a labeled\npod/b labeled\n")
    assert done.err == 'Error from server (NotFound): pods "nosuch" not found\n'
    assert {pod["metadata"]["labels"]["colour"] for pod in lab.pods()} == {"red"}


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        pytest.param(("annotate", "pods", "--all", "note=x"), "pod/a annotated\npod/b annotated\n", id="annotate"),
        pytest.param(("label", "pods", "--all", "x=y", "gone-"), 'label "gone" not found.\n', id="label"),
        pytest.param(("set", "image", "pod/a", "pod/b", "*=host"), "", id="no image is another one"),
        pytest.param(("set", "env", "pods", "--all", "A=b"), "pod/a env updated\npod/b env updated\n", id="set env"),
        pytest.param(("delete", "pod/a", "pod/b", "--dry-run=client"), 'pod "a" deleted (dry run)\npod "b" deleted (dry run)\n', id="delete"),
    ],
)  # fmt: skip
def test_each_object_has_its_line(two_pods, words, printed):
    assert two_pods(*words).startswith(printed)


@pytest.fixture(scope="module")
def two_pods(module_program):
    module_program("up", "--nodes", "1")
    module_program.apply(f"{POD % 'a'}---\n{POD % 'b'}")
    return module_program


def test_a_dry_run_of_the_client_prints_what_was_typed(two_pods):
    done = two_pods("expose", "pod", "a", "--port=80", "--selector=x=y", "--dry-run=client", "-o", "json", "-n", "default")
    assert json.loads(done)["metadata"] | {"labels": {}} == {"labels": {}, "name": "a", "namespace": "default"}
    assert two_pods("expose", "pod", "a", "--port=80", "--selector=x=y", "--dry-run=client") == "service/a exposed (dry run)\n"
    assert two_pods("get", "services", "-o", "name") == "service/kubernetes\n"
