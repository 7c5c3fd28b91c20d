"""From a word to a Pod and a container of it, as kubectl understands it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.cli.exec import checked, program
from netlab.cli.exec import command as exec_command
from netlab.cli.find import find_object, find_pod, find_reachable
from netlab.cli.reaching import container_for_command, container_of
from netlab.desired.owning import adopted
from netlab.errors import ManifestError, NetlabError, NotFound
from netlab.model.container import Container
from netlab.model.meta import LabelSelector, ObjectMeta, OwnerReference
from netlab.model.outline import DEFAULT_CONTAINER, outline_of
from netlab.model.pod import PodSpec
from netlab.model.workload import Deployment, DeploymentSpec, PodTemplateSpec, ReplicaSet, ReplicaSetSpec

DEFAULTED = 'Defaulted container "a" out of: a, b'


@pytest.fixture
def cluster(build):
    template = PodTemplateSpec(
        metadata=ObjectMeta(name="web"), spec=PodSpec(containers=(Container(name="main", image="host", command=("true",)),))
    )
    deployment = Deployment(
        metadata=ObjectMeta(name="web", namespace="default", uid="uid-deployment"),
        spec=DeploymentSpec(selector=LabelSelector(match_labels={"app": "web"}), template=template),
    )
    replicas = adopted(
        ReplicaSet(
            metadata=ObjectMeta(name="web-1", namespace="default", uid="uid-set"),
            spec=ReplicaSetSpec(selector=LabelSelector(match_labels={"app": "web"}), template=template),
        ),
        deployment,
    )
    owner = OwnerReference(kind="ReplicaSet", name="web-1", uid="uid-set")
    made = [
        build.pod("web-a", app="web", state="waiting"),
        build.pod("web-b", app="web"),
        build.pod("web-c", app="web", deleting=True),
    ]
    owned = [replace(pod, metadata=replace(pod.metadata, owner_references=(owner,))) for pod in made]
    return build.cluster(
        deployment,
        replicas,
        *owned,
        build.pod("db", app="db"),
        build.pod("done", app="", phase="Succeeded", state="terminated"),
        build.pod("web-x", "team", app="web"),
        build.service("web", 80, app="web"),
        build.service("lonely", 80, app="nobody"),
        build.service("byhand", 80, app=""),
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("db", "db", id="a name alone is a Pod's"),
        pytest.param("pod/db", "db", id="pod/NAME"),
        pytest.param("po/db", "db", id="a short name of the kind"),
        pytest.param("deploy/web", "web-b", id="of a Deployment's Pods the ready one"),
        pytest.param("deployment.apps/web", "web-b", id="a kind with its group"),
        pytest.param("svc/web", "web-b", id="of a Service's Pods the ready one"),
    ],
)
def test_a_word_names_a_pod(cluster, word, expected):
    assert find_pod(cluster, word, "default").metadata.name == expected


@pytest.mark.parametrize(
    ("word", "error", "message"),
    [
        pytest.param("nosuch", NotFound, 'pods "nosuch" not found', id="no such Pod"),
        pytest.param("web-x", NotFound, 'pods "web-x" not found', id="a Pod of another Namespace"),
        pytest.param("deploy/nosuch", NotFound, 'deployments.apps "nosuch" not found', id="no such Deployment"),
        pytest.param("svc/nosuch", NotFound, 'services "nosuch" not found', id="no such Service"),
        pytest.param("gadget/web", ManifestError, 'the server doesn\'t have a resource type "gadget"', id="no such kind"),
        pytest.param("all/web", ManifestError, "does not name one object", id="several kinds"),
        pytest.param("pod/", ManifestError, "does not name one object", id="a kind without a name"),
        pytest.param("node/node-1", NetlabError, "node/node-1 has no Pods: name a Pod", id="a kind that has no Pods"),
        pytest.param("svc/lonely", NetlabError, "has no Pods; see `netlab describe service/lonely`", id="nobody is selected"),
        pytest.param("svc/byhand", NetlabError, "Service is defined without a selector", id="a Service without selector"),
    ],
)
def test_a_word_that_names_no_pod(cluster, word, error, message):
    with pytest.raises(error) as raised:
        find_pod(cluster, word, "default")
    assert message in str(raised.value)


def test_an_object_is_found_in_its_namespace(cluster):
    assert find_object(cluster, "web-x", "team").metadata.namespace == "team"
    assert find_object(cluster, "node/node-1", "team").metadata.name == "node-1", "a Node has no Namespace"


def several(build, names, annotation=None):
    pod = build.pod("both")
    spec = replace(pod.spec, containers=tuple(Container(name=name, image="host") for name in names))
    annotations = {DEFAULT_CONTAINER: annotation} if annotation else {}
    return outline_of(replace(pod, spec=spec, metadata=replace(pod.metadata, annotations=annotations)))


@pytest.mark.parametrize(
    ("names", "wanted", "annotation", "expected"),
    [
        pytest.param("a", None, None, ("a", []), id="the only one"),
        pytest.param("ab", None, None, ("a", [DEFAULTED]), id="the first, which is said"),
        pytest.param("ab", "b", None, ("b", []), id="the one that is named"),
        pytest.param("ab", None, "b", ("b", []), id="the one of the annotation, without a word"),
        pytest.param("ab", "a", "b", ("a", []), id="a name beats the annotation"),
        pytest.param(
            "ab",
            None,
            "c",
            ("a", ['Default container name "c" not found in pod both', DEFAULTED]),
            id="an annotation that names none",
        ),
    ],
)
def test_which_container_is_meant(build, names, wanted, annotation, expected):
    said = []
    assert (container_of(several(build, names, annotation), wanted, said.append), said) == expected


def test_a_container_that_there_is_not(build):
    with pytest.raises(NotFound, match=r"^container c is not valid for pod both; it has a, b$"):
        container_of(several(build, "ab"), "c")


def test_nothing_runs_in_a_pod_that_has_ended(cluster):
    with pytest.raises(NetlabError, match="cannot exec into a container in a completed pod; current phase is Succeeded"):
        container_for_command(find_reachable(cluster, "done", "default"), None)


@pytest.mark.parametrize(
    ("words", "args", "message"),
    [
        pytest.param((), (), "pod, type/name or --filename must be specified", id="no Pod"),
        pytest.param(("web",), (), "you must specify at least one command for the container", id="no command"),
        pytest.param(("web", "date"), (), "is not supported anymore. Use exec [POD] -- [COMMAND] instead", id="no dashes"),
        pytest.param(("web", "date"), ("date",), "is not supported anymore", id="a word too many before the dashes"),
    ],
)
def test_lines_of_exec_that_cannot_be_understood(words, args, message):
    with pytest.raises(NetlabError) as raised:
        checked(words, args)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("line", "words", "args", "container"),
    [
        pytest.param(["web", "--", "ls", "-la"], ("web",), ("ls", "-la"), None, id="options of the command are its own"),
        pytest.param(["web", "-c", "a", "--", "-c", "b"], ("web",), ("-c", "b"), "a", id="options after the Pod are ours"),
        pytest.param(["-c", "a", "web", "--", "sh", "--", "x"], ("web",), ("sh", "--", "x"), "a", id="only the first dashes"),
        pytest.param(["web", "--"], ("web",), (), None, id="nothing behind the dashes"),
        pytest.param(["web"], ("web",), (), None, id="no dashes"),
    ],
)
def test_a_line_of_exec_is_divided_at_the_dashes(line, words, args, container):
    context = exec_command.make_context("exec", line)
    assert (context.params["words"], program(context), context.params["container"]) == (words, args, container)
