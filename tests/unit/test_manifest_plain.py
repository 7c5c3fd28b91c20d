"""The quick way of reading says the same as the one that knows every line, or nothing."""

import io
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netlab.errors import ManifestError
from netlab.kernel.beside import beside
from netlab.manifest.load import load_written
from netlab.manifest.plain import LONG, OddTextError, plain_documents
from netlab.manifest.source import Source

FOLDER = Path(__file__).parents[1] / "golden" / "manifests"
GOOD = sorted((FOLDER / "good").glob("*.yaml"))
ERRORS = sorted((FOLDER / "errors").glob("*.yaml"))


def must_agree(text):
    try:
        quick = list(plain_documents(text))
    except OddTextError:
        return None
    else:
        documents, findings = Source("", text).read
        assert not findings
        assert not [finding for document in documents for finding in document.findings]
        assert repr([one.plain for one in quick]) == repr([one.plain for one in documents])  # repr: no NaN is another one
        assert not [(one, two) for one, two in zip(quick, documents, strict=True) if one.line not in {0, two.line("")}]
        return [one.plain for one in quick]


@pytest.mark.parametrize("path", [*GOOD, *ERRORS], ids=lambda path: path.name)
def test_files(path):
    must_agree(path.read_text(errors="replace"))


@pytest.mark.parametrize(
    "path", [path for path in GOOD if not {"&", "<<"} & set(path.read_text().split())], ids=lambda path: path.name
)
def test_good_files_are_read_quickly_as_yaml_and_as_json(path):
    text = path.read_text()
    if "*" not in text:
        documents = must_agree(text)
        assert documents
        assert must_agree(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})) == documents


TEXT = st.text(max_size=20)  # YAML has no room for keys of more than 1024 bytes, JSON has
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(VALUES, min_size=1))
@example(["0777", 0o777, "1_000", 10**20, -(10**20), 2**63, 1e400, "\x85", "\u2028", "\x7f"])
def test_any_values(values):
    must_agree(yaml.dump_all(values, Dumper=yaml.SafeDumper, allow_unicode=True))
    for value in values:
        must_agree(json.dumps(value))
        must_agree(json.dumps(value, ensure_ascii=False))


@settings(max_examples=100)
@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#<\n\t ab~0"))
def test_yaml_indicators(text):
    must_agree(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: 1\na: 2", id="two equal keys"),
        pytest.param('{"a": 1, "a": 2}', id="two equal keys in JSON"),
        pytest.param("a: &x 1\nb: *x", id="an alias"),
        pytest.param("<<: {a: 1}", id="a merge"),
        pytest.param("1: 2", id="a key that is no text"),
        pytest.param("a: !!str 1", id="a tag"),
        pytest.param("[" * 100 + "a" + "]" * 100, id="deeper than the limit"),
        pytest.param("a: b\n---\na: [", id="no YAML"),
        pytest.param("- " * 2000 + "a", id="far too deep"),
    ],
)
def test_what_is_rare_is_left_to_the_reader(text):
    with pytest.raises(OddTextError):
        list(plain_documents(text))
    with pytest.raises(OddTextError):
        list(plain_documents(f"{SERVICES}---\n{text}", beside))


SERVICES = "".join(
    f"---\nkind: Service\nmetadata: {{name: service-{number}}}\nspec: [1, 0.5, null]\n" for number in range(5000)
)


def test_a_long_text_is_read_beside():
    assert len(SERVICES) > LONG
    assert list(plain_documents(SERVICES, beside)) == list(plain_documents(SERVICES))


def test_a_fault_of_a_long_text_has_its_line():
    good = SERVICES.replace("kind", "apiVersion: v1\nkind").replace("[1, 0.5, null]", "{clusterIP: None}")
    with pytest.raises(ManifestError) as error:
        load_written(["-"], stdin=io.StringIO(f"{good}sepc: 1\n"), beside=beside)
    assert [str(one) for one in error.value.problems] == [
        f'stdin:{good.count(chr(10)) + 1}: service/service-4999 sepc: unknown field (did you mean "spec"?)'
    ]


def test_nobody_is_asked_beside_for_a_short_text():
    [one] = plain_documents("kind: Service", pytest.fail)
    assert one.plain == {"kind": "Service"}
