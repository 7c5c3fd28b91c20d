"""`netlab explain` and `netlab api-resources`: kubectl's layout, and what they say of what is not there."""

from __future__ import annotations

import pytest

from netlab.cli.explain import complete_path
from netlab.cli.words import KINDS as LISTED
from netlab.model.codec import NOUNS


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param("pod", "explain pod", id="a kind of the core group"),
        pytest.param("deployment", "explain deployments", id="a kind with a group"),
        pytest.param("containers", "explain pods.spec.containers", id="a list of objects"),
        pytest.param("restart-policy", "explain po.spec.restartPolicy", id="allowed values and a default"),
        pytest.param("image", "explain pod.spec.containers.image", id="a field without values to name"),
        pytest.param(
            "share-process-namespace", "explain pod.spec.shareProcessNamespace", id="a default other than Kubernetes'"
        ),
        pytest.param("template-recursive", "explain deploy.spec.template.spec --recursive", id="a tree"),
        pytest.param(
            "container-statuses-recursive", "explain pod.status.containerStatuses --recursive", id="a container's states"
        ),
        pytest.param("node-recursive", "explain node --recursive", id="a Node's status"),
        pytest.param("service-spec", "explain svc.spec", id="a Service's spec"),
        pytest.param("lab-spec", "explain lab.spec", id="netlab's own kind"),
        pytest.param("api-resources", "api-resources", id="all kinds by group"),
        pytest.param("api-resources-wide", "api-resources -o wide", id="all kinds with verbs"),
    ],
)
def test_it_prints(file, words, said, golden):
    code, out, err = said(*words.split())
    assert (code, err) == (0, "")
    golden(f"explain/{file}.txt", out)


@pytest.mark.parametrize(
    ("words", "same"),
    [
        pytest.param("po.spec.containers[0].name", "pods.spec.containers.name", id="an index"),
        pytest.param("pod.spec.containers[].name", "pods.spec.containers.name", id="a list as the support table writes it"),
        pytest.param("POD.spec", "pod.spec", id="a kind in capitals"),
        pytest.param("deployments.apps.spec.replicas", "deploy.spec.replicas", id="a group"),
        pytest.param("endpointslices.discovery.k8s.io.ports", "eps.ports", id="a group with dots"),
        pytest.param("deploy --api-version=apps/v1", "deploy", id="its apiVersion"),
        pytest.param("pod.spec --recursive=false", "pod.spec", id="a switch that is off"),
    ],
)
def test_two_ways_to_say_the_same(words, same, said):
    code, out, err = said("explain", *words.split())
    assert (code, err) == (0, "")
    assert out == said("explain", *same.split())[1]


@pytest.mark.parametrize("kind", NOUNS)
def test_every_kind_can_be_explained_with_all_inside(kind, said):
    code, out, _ = said("explain", kind.lower(), "--recursive")
    assert code == 0
    assert f"KIND:       {kind}\n" in out
    assert "\n    name\t<string> -required-\n" in out, "metadata.name"
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param("pod.spec.conteiners", 1, 'field "conteiners" does not exist (did you mean "containers"?)', id="a misspelt field"),
        pytest.param("pod.spec.restartpolicy", 1, 'field "restartpolicy" does not exist (did you mean "restartPolicy"?)', id="small letters"),
        pytest.param("pod.spec.zzz", 1, 'field "zzz" does not exist', id="a field like no other"),
        pytest.param("pod.metadata.labels.app", 1, 'field "app" does not exist', id="a key of a map is no field"),
        pytest.param("pod.spec.nodeName.x", 1, 'field "x" does not exist', id="nothing is inside text"),
        pytest.param("pod.", 1, 'field "" does not exist', id="a dot too many"),
        pytest.param(
            "pod.spec.containers.resizePolicy", 1,
            'field "resizePolicy" is known to Kubernetes and not supported by netlab yet: a manifest that sets it is refused',
            id="a field netlab lacks",
        ),
        pytest.param(
            "pod.spec.affinity.nodeAffinity", 1,
            'field "affinity" is known to Kubernetes and not supported by netlab yet: a manifest that sets it is refused',
            id="a field inside one netlab lacks",
        ),
        pytest.param(
            "pod.metadata.managedFields", 1,
            'field "managedFields" is known to Kubernetes and not supported by netlab yet: it is read over in manifests',
            id="what an API server prints",
        ),
        pytest.param(
            "svc.status.conditions", 1,
            'field "conditions" is known to Kubernetes and not supported by netlab yet: a manifest that sets it is refused',
            id="a status netlab does not keep",
        ),
        pytest.param(
            "deploy.spec.template.metadata.generation", 1,
            'field "generation" is known to Kubernetes and not supported by netlab yet: a manifest that sets it is refused',
            id="in a template nothing is read over",
        ),
        pytest.param("ingresses", 1, "Ingress is known to Kubernetes and not supported by netlab yet; manifests with one are refused", id="a kind netlab lacks"),
        pytest.param("networkpolicies.spec", 1, "NetworkPolicy is known to Kubernetes and not supported by netlab yet; manifests with one are refused", id="its plural"),
        pytest.param("servise", 1, 'the server doesn\'t have a resource type "servise" (did you mean "service"?)', id="a misspelt kind"),
        pytest.param("deploy --api-version=apps/v2", 1, 'couldn\'t find resource for "apps/v2, Resource=deployments" (the apiVersion is apps/v1)', id="another version"),
        pytest.param("pod --api-version=v2", 1, 'couldn\'t find resource for "/v2, Resource=pods" (the apiVersion is v1)', id="another core version"),
        pytest.param("--recursive", 1, 'You must specify the type of resource to explain. Use "netlab api-resources" for a complete list of supported resources.', id="nothing to explain"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained(words, code, message, said):
    assert said("explain", *words.split()) == (code, "", f"error: {message}\n")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        pytest.param("-o name --namespaced=false", "namespaces nodes", id="in no Namespace"),
        pytest.param("-o name --namespaced", "configmaps endpoints events pods secrets services daemonsets.apps deployments.apps replicasets.apps jobs.batch endpointslices.discovery.k8s.io", id="in a Namespace"),
        pytest.param("-oname --api-group=apps", "daemonsets.apps deployments.apps replicasets.apps", id="a group"),
        pytest.param("-o name --api-group=", "configmaps endpoints events namespaces nodes pods secrets services", id="the core group"),
        pytest.param("-o name --sort-by=name --namespaced=true", "configmaps daemonsets.apps deployments.apps endpoints endpointslices.discovery.k8s.io events jobs.batch pods replicasets.apps secrets services", id="by name"),
        pytest.param("-o name --sort-by kind --categories all", "daemonsets.apps deployments.apps jobs.batch pods replicasets.apps services", id="a category"),
        pytest.param("-o name --verbs delete,get --namespaced=false", "namespaces", id="verbs"),
        pytest.param("-o name --api-group nosuch", "", id="nothing"),
    ],
)  # fmt: skip
def test_kinds_can_be_chosen(words, names, said):
    assert said("api-resources", *words.split()) == (0, "".join(f"{name}\n" for name in names.split()), "")


def test_the_table_can_do_without_headings(said):
    code, out, _ = said("api-resources", "--no-headers")
    assert code == 0
    assert len(out.splitlines()) == len(LISTED)
    assert "NAME" not in out


@pytest.mark.parametrize("words", ["-o yaml", "--sort-by age", "--namespaced=perhaps"])
def test_what_api_resources_does_not_know(words, said):
    code, out, err = said("api-resources", *words.split())
    assert (code, out) == (1, "")
    assert err.startswith("error: ")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("po", ["pods"], id="a kind"),
        pytest.param("pods.sp", ["pods.spec"], id="a field"),
        pytest.param(
            "pods.spec.containers.e", ["pods.spec.containers.env", "pods.spec.containers.envFrom"], id="fields deep inside"
        ),
        pytest.param("nosuch.", [], id="nothing below what is unknown"),
    ],
)
def test_paths_are_completed(typed, expected):
    assert [item.value for item in complete_path(None, None, typed)] == expected
