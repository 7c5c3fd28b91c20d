"""Custom columns: the cells and errors are those of kubectl v1.32 for the same object, but for commas in brackets."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.cli.custom_columns import columns_rows, parse_columns
from netlab.errors import ManifestError

POD = {
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app.kubernetes.io/name": "web", "tier": "front"}},
    "spec": {
        "containers": [{"name": "nginx", "ports": [{"containerPort": 80}]}, {"name": "redis"}],
        "hostNetwork": False,
        "ratio": 1.5,
        "nothing": None,
        "empty": [],
        "none": {},
        "text": "",
    },
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "mixed": [1, "a", True, None, 2.5],
        "nested": [[1, 2], [3]],
    },
}

CELLS = [
    pytest.param(".metadata.name", "web", id="a field"),
    pytest.param("metadata.name", "web", id="a field without the dot"),
    pytest.param("{.metadata.name}", "web", id="a field in braces"),
    pytest.param("{metadata.name}", "web", id="a field in braces without the dot"),
    pytest.param(".spec.nosuch", "<none>", id="a missing field"),
    pytest.param("", "<none>", id="no path"),
    pytest.param("$.kind", "<none>", id="a path that begins at the root, which kubectl takes for a field"),
    pytest.param(".spec.nothing", "<nil>", id="null"),
    pytest.param(".spec.text", "", id="an empty text"),
    pytest.param(".spec.empty", "[]", id="an empty list"),
    pytest.param(".spec.none", "map[]", id="an empty map"),
    pytest.param(".spec.hostNetwork", "false", id="a boolean"),
    pytest.param(".spec.ratio", "1.5", id="a fraction"),
    pytest.param(".metadata.labels", "map[app.kubernetes.io/name:web tier:front]", id="a map"),
    pytest.param(".metadata.labels.app\\.kubernetes\\.io/name", "web", id="a label with dots"),
    pytest.param(".status.mixed", "[1 a true <nil> 2.5]", id="a list"),
    pytest.param(".status.mixed[*]", "1,a,true,<nil>,2.5", id="the items of a list"),
    pytest.param(".status.nested", "[[1 2] [3]]", id="lists in a list"),
    pytest.param(".status.conditions", "[map[status:True type:Ready]]", id="a map in a list"),
    pytest.param('.status.conditions[?(@.type=="Ready")].status', "True", id="a filter"),
    pytest.param(".spec.containers[*].name", "nginx,redis", id="several values"),
    pytest.param(".spec.containers[*].ports[*].containerPort", "80", id="values that only some have"),
    pytest.param("..name", "web,nginx,redis", id="values at any depth"),
    pytest.param(".kind:.x", "<none>", id="a second colon is the path's"),
    pytest.param(" .kind", "<none>", id="a space is the path's"),
    pytest.param('.kind "x"', "x", id="a text"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "cell"), CELLS)
def test_a_cell_is_what_kubectl_shows(path, cell):
    assert columns_rows(parse_columns(f"HEADER:{path}"), [POD]) == [[cell]]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        pytest.param("A:.a,B:.b", (("A", ".a"), ("B", ".b")), id="two columns"),
        pytest.param("A:.a, B:.b", (("A", ".a"), (" B", ".b")), id="a space belongs to the header"),
        pytest.param(":.a", (("", ".a"),), id="an empty header"),
        pytest.param("A:.x['a','b'],B:.x[0,1].y", (("A", ".x['a','b']"), ("B", ".x[0,1].y")), id="commas in brackets"),
        pytest.param('A:.x[?(@.y=="1,2")],B:.b', (("A", '.x[?(@.y=="1,2")]'), ("B", ".b")), id="a comma in a filter"),
        pytest.param("A  B\n.a {.b}\n", (("A", ".a"), ("B", "{.b}")), id="a file"),
    ],
)
def test_columns_are_split_at_commas_outside_brackets(text, columns):
    assert parse_columns(text) == columns


def test_there_is_a_row_for_each_object():
    columns = parse_columns("NAME:.metadata.name,N:.n,BOTH:.metadata['name','namespace']")
    assert columns_rows(columns, [POD, {"n": 1}]) == [["web", "<none>", "web,default"], ["<none>", "1", "<none>"]]
    assert columns_rows(columns, []) == []


PATH = "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "custom-columns format specified but no custom columns given", id="nothing"),
        pytest.param("NAME", "unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>", id="no colon"),
        pytest.param("A:.a,", "unexpected custom-columns spec: , expected <header>:<json-path-expr>", id="a comma too many"),
        pytest.param("A:{.a", PATH, id="a brace that is not closed"),
        pytest.param("A:{.a}{.b}", PATH, id="two expressions"),
        pytest.param("A:{}", PATH, id="empty braces"),
        pytest.param("A:.a[", "unterminated array", id="a bracket that is not closed"),
        pytest.param(
            "A B\n.a\n", "number of headers (2) and field specifications (1) don't match", id="a file with a path too few"
        ),
        pytest.param("A B\n\n", "invalid template, missing spec line", id="a file without paths"),
        pytest.param("\n.a\n", "invalid template, missing header line", id="a file without headers"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_as_kubectl_does(text, message):
    with pytest.raises(ManifestError) as caught:
        parse_columns(text)
    (problem,) = caught.value.problems
    assert problem.message == message
    assert problem.hint


def test_a_path_that_does_not_suit_an_object_is_refused():
    columns = parse_columns("A:.status.mixed[9]")
    with pytest.raises(ManifestError, match="array index out of bounds: index 9, length 5"):
        columns_rows(columns, [POD])


@settings(max_examples=500)
@given(st.text() | st.text(alphabet="A:.,[]{}'\"?(@=)*\n \\spec", max_size=20).map("A:".__add__))
def test_any_text_is_columns_or_refused(text):
    with suppress(ManifestError):
        columns = parse_columns(text)
        (row,) = columns_rows(columns, [POD])
        assert len(row) == len(columns) > 0
