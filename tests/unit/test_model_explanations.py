"""Every field has its sentence, and every path that is printed can be explained."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from netlab.model.codec import NOUNS, encode
from netlab.model.explanations import EXPLANATIONS, WIRE_ONLY
from netlab.model.explanations import KINDS as KIND_SENTENCES
from netlab.model.fields import fields_of, kind_field
from netlab.model.pod_status import ContainerStatus


def inner(hint):
    """What a list, an optional field or a format is about."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (tuple, Annotated):
        return inner(args[0])
    if origin in (Union, types.UnionType) and types.NoneType in args:
        return inner(args[0])
    return hint


def nouns(cls):
    """The class and all dataclasses that its fields lead to."""
    found = {cls}
    for hint in get_type_hints(cls, include_extras=True).values():
        if is_dataclass(inner(hint)):
            found |= nouns(inner(hint))
    return found


ALL_NOUNS = sorted({noun for kind in NOUNS.values() for noun in nouns(kind)}, key=lambda noun: noun.__name__)


def full(hint, default=None):
    """A value of this type other than its default, with a value in every field."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return (full(args[0]),)
    if origin is dict:
        return {"key": "value"}
    if origin is Literal:
        return args[-1]
    if inner(hint) is not hint:
        return full(inner(hint), default)
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        return hint(**{item.name: full(hints[item.name], item.default) for item in fields(hint)})
    return {bool: not default, int: 7, str: "text"}.get(hint, 7)


def unexplained(plain, item, path):
    """Paths of plain data that lead nowhere in the tree of fields."""
    if isinstance(plain, list):
        return [found for one in plain for found in unexplained(one, item, path)]
    if not isinstance(plain, dict) or item.type.startswith("map["):
        return []
    found = []
    for name, value in plain.items():
        field = item.inside(name)
        found += unexplained(value, field, f"{path}.{name}") if field else [f"{path}.{name}"]
    return found


def test_every_noun_and_every_kind_is_explained():
    assert sorted(noun.__name__ for noun in EXPLANATIONS) == [noun.__name__ for noun in ALL_NOUNS]
    assert sorted(KIND_SENTENCES) == sorted(NOUNS)


@pytest.mark.parametrize("noun", ALL_NOUNS, ids=lambda noun: noun.__name__)
def test_every_field_has_a_sentence_and_every_sentence_a_field(noun):
    assert sorted(EXPLANATIONS[noun]) == sorted(item.name for item in fields(noun))


def sentences():
    for noun, about in EXPLANATIONS.items():
        yield from ((f"{noun.__name__}.{name}", text) for name, text in about.items())
    for noun, about in WIRE_ONLY.items():
        yield from ((f"{noun} {name}", text) for name, text in about.items())
    yield from KIND_SENTENCES.items()


@pytest.mark.parametrize(("where", "text"), [pytest.param(*row, id=row[0]) for row in sentences()])
def test_a_sentence_is_one_plain_sentence(where, text):
    assert text.endswith(".")
    assert ". " not in text, "two sentences"
    assert text[0].isupper() or text[0] == "`"
    assert not set(text) & set("|\n\t"), "would break a table"
    assert "  " not in text
    assert text.count("`") % 2 == 0


@pytest.mark.parametrize("kind", NOUNS)
def test_every_path_that_is_printed_is_explained(kind):
    cls = NOUNS[kind]
    plain = encode(full(cls))
    assert len(str(plain)) > 60
    assert unexplained(plain, kind_field(cls), kind) == []


@pytest.mark.parametrize("state", ["waiting", "running", "terminated"])
def test_the_state_of_a_container_is_explained(state):
    why = {"reason": "Error", "message": "text"}
    told = {
        "waiting": why,
        "running": {"started_at": "text"},
        "terminated": {"exit_code": 1, "started_at": "text", "finished_at": "text", **why},
    }
    plain = encode(ContainerStatus(name="web", state=state, restart_count=2, **told[state]))
    item = next(one for one in kind_field(NOUNS["Pod"]).inside("status").fields if one.name == "containerStatuses")
    assert set(plain["state"]) == {state}
    assert unexplained(plain, item, "containerStatuses") == []
    assert {one.name for one in item.inside("state").inside(state).fields} == set(plain["state"][state])


def test_every_sentence_about_the_wire_is_shown():
    def shown(found):
        for item in found:
            yield item.sentence
            yield from shown(item.fields)

    everything = {text for cls in NOUNS.values() for text in shown(fields_of(cls))}
    assert {text for about in WIRE_ONLY.values() for text in about.values()} <= everything


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        pytest.param("Pod", "spec.containers", ("[]Container", True, "", ()), id="a list of objects"),
        pytest.param("Pod", "spec.containers.command", ("[]string", False, "", ()), id="a list of text"),
        pytest.param("Pod", "spec.nodeSelector", ("map[string]string", False, "", ()), id="a map"),
        pytest.param("Pod", "spec.shareProcessNamespace", ("boolean", False, "true", ()), id="a default that is true"),
        pytest.param("Pod", "spec.containers.volumeMounts.readOnly", ("boolean", False, "false", ()), id="a default that is false"),
        pytest.param("Pod", "spec.dnsPolicy", ("string", False, "ClusterFirst", ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")), id="allowed values"),
        pytest.param("Pod", "spec.containers.imagePullPolicy", ("string", False, "", ("Always", "IfNotPresent", "Never")),
                     id="the empty value is no choice"),
        pytest.param("Pod", "spec.containers.env.valueFrom", ("EnvVarSource", False, "", ()), id="an optional object"),
        pytest.param("Pod", "status.containerStatuses.state.terminated.exitCode", ("integer", False, "", ()), id="an optional number"),
        pytest.param("Pod", "status.podIPs", ("[]PodIP", False, "", ()), id="what the wire nests"),
        pytest.param("Pod", "status.podIP", ("string", False, "", ()), id="what only the wire has"),
        pytest.param("Service", "spec.ports.targetPort", ("IntOrString", False, "", ()), id="two types"),
        pytest.param("EndpointSlice", "endpoints.addresses", ("[]string", True, "", ()), id="a required list"),
        pytest.param("Deployment", "spec.template.metadata", ("ObjectMeta", False, "", ()), id="a type with Kubernetes' name"),
        pytest.param("Node", "status.addresses.address", ("string", True, "", ()), id="a Node's address"),
        pytest.param("Lab", "spec.nodeCIDRMask", ("integer", False, "24", ()), id="a default that is a number"),
    ],
)  # fmt: skip
def test_a_field_is_described_in_kubectls_words(kind, path, expected):
    item = kind_field(NOUNS[kind])
    for name in path.split("."):
        item = item.inside(name)
    assert (item.type, item.required, item.default, item.choices) == expected
