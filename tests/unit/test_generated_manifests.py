"""Whatever is written in a manifest, the answer is objects or problems, each with its place and with what is expected there."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.errors import ManifestError
from netlab.manifest.checked import SERVER_SET
from netlab.manifest.load import load
from netlab.model.codec import KINDS, encode
from netlab.model.formats import dns_name
from tests.generated import (
    DOCUMENTS,
    HOSTILE,
    Pairs,
    Written,
    manifests,
    places,
    text_of,
    value_at,
    with_value,
    without,
)

LONGEST_LINE = 600
LONG_LABEL = "x" * 64  # too long for a part of a DNS name, but not for every name
# A message that says what is expected; any other one needs a hint that says what to do.
EXPECTED = re.compile(
    r"\b(must|required|expected|at most|more than|deeper than|larger than|may only|may not|only .* supported)\b"
)
# Faults of the text itself, which belong to no field.
OF_TEXT = re.compile(
    r"not YAML|YAML tag|alias|nested deeper|more than|is not UTF-8|holds no objects|is larger|merge \(<<\)|has a key"
)
FREE = re.compile(
    r"(labels|annotations|data|binaryData|stringData|nodeSelector|selector|matchLabels)$"
)  # mappings whose keys the user chooses
NAMES = (
    "metadata.name",
    "spec.containers[0].name",
    "spec.nodeName",
    "spec.hostname",
    "spec.ports[0].name",
    "metadata.namespace",
)


class StandardInput(io.StringIO):
    """What `-` reads."""


def answer(text):
    """The objects and the problems of a text: exactly one of the two is there, and nothing else ever happens."""
    try:
        objects = load(["-"], stdin=StandardInput(text))
    except ManifestError as error:
        objects, problems = [], error.problems
    else:
        problems = ()
    assert bool(objects) != bool(problems)
    return objects, problems


def field_path(place):
    """How a problem names a place of an object."""
    words = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return "".join(words).removeprefix(".")


def must_be_useful(problem, lines):
    """A problem says where, what, and what to do about it, in one printable line."""
    assert problem.file == "stdin"
    assert 0 <= problem.line <= lines
    assert problem.line or OF_TEXT.search(problem.message)
    assert problem.path or OF_TEXT.search(problem.message) or problem.message.startswith("must be an object"), problem
    assert EXPECTED.search(problem.message) or problem.hint, problem
    assert str(problem).isprintable()
    assert len(str(problem)) <= LONGEST_LINE


@settings(max_examples=250)
@given(manifests())
def test_the_answer_is_objects_or_useful_problems(text):
    objects, problems = answer(text)
    for problem in problems:
        must_be_useful(problem, text.count("\n") + 1)
    for item in objects:
        assert type(item) in KINDS.values()
        assert not dns_name(item.metadata.name)
    if objects:  # what was accepted is what is written down, and read again
        again, _ = answer("\n---\n".join(text_of(encode(item)) for item in objects))
        assert again == objects


def objects_with(draw, wanted):
    """A good object and one of its places that `wanted` likes; what only the system sets is dropped unread."""
    dropped = {"status", *SERVER_SET}
    every = ((plain, place) for plain in DOCUMENTS for place in places(plain) if place and dropped.isdisjoint(place))
    return draw(st.sampled_from([(plain, place) for plain, place in every if wanted(value_at(plain, place), place)]))


@settings(max_examples=60)
@given(st.data(), st.sampled_from(("nonsense", "Name", "nodename", "x" * 100, "x y", "\u202e", "apiversion")))
def test_a_field_that_nobody_knows_is_refused_with_its_path_and_line(data, field):
    plain, place = objects_with(
        data.draw, lambda value, at: isinstance(value, dict) and value and not any(FREE.search(str(key)) for key in at)
    )
    text = text_of(with_value(plain, place, lambda inside: {**inside, field: 1}))
    _, problems = answer(text)
    [found] = [problem for problem in problems if problem.message == "unknown field"]
    assert found.path.startswith(field_path(place))
    assert field[:10] in found.path or "\\u202e" in found.path
    assert found.hint
    assert field in text.splitlines()[found.line - 1]


@settings(max_examples=60)
@given(st.data(), st.sampled_from((1.5, [[]], {"a": {"b": 1}}, float("nan"), 10**40)))
def test_a_value_of_a_wrong_type_is_refused_where_it_stands(data, value):
    plain, place = objects_with(data.draw, lambda old, _: not isinstance(old, dict | list))
    _, problems = answer(text_of(with_value(plain, place, lambda _: value)))
    assert [one for one in problems if one.path.replace('["', ".").replace('"]', "").startswith(field_path(place))] or any(
        one.path in {"kind", "apiVersion"} for one in problems
    )


@settings(max_examples=40)
@given(st.data())
def test_a_key_that_is_written_twice_is_refused_with_both_lines(data):
    plain, place = objects_with(data.draw, lambda value, _: isinstance(value, dict) and value)
    key = data.draw(st.sampled_from(sorted(value_at(plain, place))))
    text = text_of(with_value(plain, place, lambda inside: Pairs([*inside.items(), (key, inside[key])])))
    _, problems = answer(text)
    [found] = [problem for problem in problems if "is written twice" in problem.message]
    first = int(re.search(r"first on line ([0-9]+)", found.message)[1])
    assert first < found.line
    for line in (first, found.line):
        assert key in text.splitlines()[line - 1]


@settings(max_examples=40)
@given(
    st.data(),
    st.sampled_from(("!!python/object/apply:os.system [x]", "!!binary aGk=", "!mine x", "!!int 5", "&a [*a]", "*nowhere")),
)
def test_tags_and_wrong_aliases_are_refused_with_their_line(data, word):
    plain, place = objects_with(data.draw, lambda value, _: not isinstance(value, dict | list))
    text = text_of(with_value(plain, place, lambda _: Written(word)))
    _, problems = answer(text)
    [found] = [problem for problem in problems if "tag" in problem.message or "alias" in problem.message]
    assert word in text.splitlines()[found.line - 1]
    assert found.hint


@settings(max_examples=60)
@given(st.data())
def test_a_field_that_is_needed_and_missing_is_required_by_its_path(data):
    """Whatever field is left out: the object is complete without it, or its own path is named, or that of what needs it."""
    plain, place = objects_with(data.draw, lambda *_: True)
    objects, problems = answer(text_of(without(plain, place)))
    for problem in problems:
        must_be_useful(problem, 10_000)
    assert objects or problems


@pytest.mark.parametrize("path", NAMES)
@pytest.mark.parametrize("name", [pytest.param(name, id=ascii(name)[:30]) for name in HOSTILE if name and name != LONG_LABEL])
def test_a_hostile_name_is_refused_at_its_field(path, name):
    keys = [int(word) if word.isdigit() else word for word in re.findall(r"[A-Za-z]+|[0-9]+", path)]
    for plain in DOCUMENTS:
        try:
            value_at(plain, tuple(keys[:-1]))
        except (KeyError, IndexError):
            continue
        if plain["kind"] == "EndpointSlice" and path == "spec.nodeName":
            continue
        _, problems = answer(text_of(with_value(plain, tuple(keys[:-1]), lambda inside: {**inside, keys[-1]: name})))
        assert problems, plain["kind"]


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ("{a: ", "}")])
def test_nesting_without_end_is_refused(left, right, depth):
    _, [problem] = answer(left * depth + "1" + right * depth)
    assert "nested deeper" in problem.message
