"""Whatever is written, the answer is objects or a ManifestError, and never a traceback."""

import io
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.errors import ManifestError
from netlab.manifest.load import load

FOLDER = Path(__file__).parents[1] / "golden" / "manifests"
GOOD = [path.read_text() for path in sorted((FOLDER / "good").glob("*.yaml"))]
DOCUMENTS = [document for text in GOOD for document in yaml.safe_load_all(text)]
ODD = st.sampled_from(
    [None, True, 0, -1, 10**40, 70000, 1.5, float("nan"), "", "\0", "a\nb", "../..", "x" * 300, "80", "None", [], {}, [None], {"": None}, {"<<": 1}]
)  # fmt: skip


def must_be_objects_or_problems(text):
    found = ()
    try:
        found = load(["-"], stdin=io.StringIO(text))
    except ManifestError as error:
        found = error.problems
    assert found


@settings(max_examples=300)
@given(st.text())
def test_any_text(text):
    must_be_objects_or_problems(text)


@settings(max_examples=300)
@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#<\n\t ab~0"))
def test_yaml_indicators(text):
    must_be_objects_or_problems(text)


@settings(max_examples=300)
@given(st.sampled_from(GOOD), st.data())
def test_good_text_with_a_part_replaced(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    must_be_objects_or_problems(text[:start] + data.draw(st.text(max_size=5)) + text[end:])


def mutated(plain, data):
    """The same data with one value somewhere replaced, removed or doubled."""
    if isinstance(plain, dict) and plain and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(plain)))
        return {**plain, key: mutated(plain[key], data)}
    if isinstance(plain, list) and plain and data.draw(st.integers(0, 5)):
        n = data.draw(st.integers(0, len(plain) - 1))
        return [*plain[:n], mutated(plain[n], data), *plain[n:]]
    return data.draw(ODD)


@settings(max_examples=500)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_good_objects_with_odd_values(document, data):
    plain = document
    for _ in range(data.draw(st.integers(1, 3))):
        plain = mutated(plain, data)
    must_be_objects_or_problems(yaml.safe_dump(plain))


@pytest.mark.parametrize("loader", ["SafeLoader"])
def test_without_libyaml_the_same_is_read(monkeypatch, loader):
    with_libyaml = [load(["-"], stdin=io.StringIO(text)) for text in GOOD]
    monkeypatch.setattr("netlab.manifest.tree.Loader", getattr(yaml, loader))
    assert [load(["-"], stdin=io.StringIO(text)) for text in GOOD] == with_libyaml
