"""--sort-by: the order is kubectl's, with missing fields first and equal objects where they were."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.cli.sorting import sort_items
from netlab.errors import ManifestError

MISSING = object()


def things(values):
    return [{"name": f"t{number}"} | ({} if value is MISSING else {"v": value}) for number, value in enumerate(values)]


def ordered(values, path=".v"):
    return [values[int(item["name"][1:])] for item in sort_items(things(values), path)]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1, 2, 3, 10], id="numbers"),
        pytest.param([0.5, 1, 1.5], id="whole numbers and fractions"),
        pytest.param(["9", "10", "100"], id="numbers written as texts"),
        pytest.param(["100m", "500m", "1", "2", "1k", "1Ki", "1M"], id="quantities of processors"),
        pytest.param(["512Mi", "1G", "1Gi", "2Gi", "1e10"], id="quantities of memory"),
        pytest.param(["-1", "0", "0.5", "+1"], id="quantities with signs and points"),
        pytest.param(["web-2", "web-9", "web-10", "web-10-a"], id="numbers inside texts"),
        pytest.param(["", "1a", "B", "C", "a"], id="texts"),
        pytest.param(["a1", "a01", "a001", "a2"], id="leading zeros"),
        pytest.param(["a0", "a00", "a1"], id="only zeros"),
        pytest.param(["2023-12-31T10:00:00Z", "2024-01-02T00:00:00Z", "2024-01-10T00:00:00Z"], id="times"),
        pytest.param(["10.244.1.2", "10.244.1.10", "10.244.2.1"], id="addresses"),
        pytest.param(["1", "1a", "2", "10"], id="texts that are not all quantities"),
        pytest.param([MISSING, 1, 3], id="a missing field"),
        pytest.param([None, "a", "b"], id="null"),
        pytest.param([None], id="null alone"),
        pytest.param([True], id="one value needs no order"),
        pytest.param([MISSING, {"a": 1}], id="one value among missing ones needs no order"),
        pytest.param([], id="no objects"),
    ],
)
def test_values_are_sorted_from_every_order(values):
    for shuffled in itertools.islice(itertools.permutations(values), 200):
        assert ordered(list(shuffled)) == values


def test_equal_objects_stay_in_their_order_and_are_the_same_objects():
    items = things([1, MISSING, 0, 1, None, 0])
    found = sort_items(items, "{.v}")
    assert [item["name"] for item in found] == ["t1", "t4", "t2", "t5", "t0", "t3"]
    assert {id(item) for item in found} == {id(item) for item in items}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("v[0]", [[1, 9], [2, 3]], id="an item of a list"),
        pytest.param(".v[*]", [[1, 9], [2, 3]], id="the first of several values"),
        pytest.param("", [[2, 3], [1, 9]], id="without a path nothing is sorted"),
    ],
)
def test_the_path_says_what_to_sort_by(path, expected):
    assert ordered([[2, 3], [1, 9]], path) == expected


@pytest.mark.parametrize(
    ("values", "path", "message"),
    [
        pytest.param([1, 2], ".nosuch", 'couldn\'t find any field with path "{.nosuch}" in the list of objects', id="a field that nobody has"),
        pytest.param([MISSING], "v", 'couldn\'t find any field with path "{.v}" in the list of objects', id="a field that the only object lacks"),
        pytest.param([True, False], ".v", "unsortable type: bool", id="booleans"),
        pytest.param([[1], [2]], ".v", "unsortable type: list", id="lists"),
        pytest.param([{"a": 1}, {}], ".v", "unsortable type: map", id="maps"),
        pytest.param([1, "a"], ".v", "unsortable type: a number in some objects, a text in others", id="numbers and texts"),
        pytest.param([1, True], ".v", "unsortable type: bool", id="numbers and booleans"),
        pytest.param([1], ".v[", "unterminated array", id="a path that cannot be read"),
        pytest.param([1], ".v[0]", "int64 is not array or slice", id="a path that does not suit"),
    ],
)  # fmt: skip
def test_what_has_no_order_is_refused(values, path, message):
    with pytest.raises(ManifestError) as caught:
        sort_items(things(values), path)
    (problem,) = caught.value.problems
    assert problem.message == message
    assert problem.hint


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.text("0123456789.eEmKi-+")
    | st.lists(st.integers())
)


@settings(max_examples=300)
@given(st.lists(VALUES, max_size=6) | st.lists(st.text("019.eEmKiaä-+"), max_size=6), st.just(".v") | st.text(max_size=8))
def test_any_values_and_any_path_are_sorted_or_refused(values, path):
    items = things(values)
    with suppress(ManifestError):
        found = sort_items(items, path)
        assert sorted(map(id, found)) == sorted(map(id, items))
        assert sort_items(found, path) == found
