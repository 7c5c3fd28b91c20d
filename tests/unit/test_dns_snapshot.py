"""The text of the records: what is read from it, and every way in which it can be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.dns.snapshot import SnapshotError, parse

HEAD = "; zone x.test. serial 7\n"
SOA = "x.test. 5 IN SOA ns.dns.x.test. hostmaster.x.test. 7 7200 1800 86400 5\n"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param(
            "a.b.svc.x.test.", {"A": ["10.0.0.1", "10.0.0.2"]}, id="a name with two addresses, in the order of the text"
        ),
        pytest.param("b.svc.x.test.", {}, id="a name between a record and its zone exists"),
        pytest.param("empty.svc.x.test.", {}, id="a Namespace without records exists"),
        pytest.param("empty.pod.x.test.", {}, id="so does its place for Pods"),
        pytest.param("pod.x.test.", {}, id="and the one above it"),
        pytest.param("c.svc.x.test.", None, id="no such name"),
        pytest.param("test.", None, id="above the zone there is nothing"),
    ],
)
def test_find(name, found):
    text = f"{HEAD}; namespace empty\n{SOA}a.b.svc.x.test. 5 IN A 10.0.0.1\na.b.svc.x.test. 5 IN A 10.0.0.2\n"
    assert parse(text).find(name) == found


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        pytest.param("x.test.", "x.test.", id="the zone itself"),
        pytest.param("a.b.x.test.", "x.test.", id="below it"),
        pytest.param("ax.test.", None, id="a name that only ends like it"),
        pytest.param("test.", None, id="above it"),
        pytest.param(".", None, id="the root"),
    ],
)
def test_zone_of(name, zone):
    assert parse(HEAD + SOA).zone_of(name) == zone


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "line 1: must be `; zone NAME. serial NUMBER`", id="an empty file"),
        pytest.param("; zone x.test serial 7\n", "line 1", id="a relative domain"),
        pytest.param(HEAD, "has no SOA", id="no authority"),
        pytest.param(HEAD + SOA + "a.x.test. 5 IN A 10.0.0", "line 3: cut off", id="the last line is cut"),
        pytest.param(
            HEAD + SOA + "a.x.test. 5 IN A 10.0.0.256\n", "line 3: not the data of a record of type A", id="a bad address"
        ),
        pytest.param(HEAD + SOA + "a.x.test. 5 IN A\n", "line 3: must be `NAME", id="no data"),
        pytest.param(HEAD + SOA + "a.x.test. 5 CH A 10.0.0.1\n", "line 3: must be", id="another class"),
        pytest.param(HEAD + SOA + "a.x.test. 5 IN MX 10.0.0.1\n", "line 3: must be", id="an unknown type"),
        pytest.param(HEAD + SOA + "a.x.test 5 IN A 10.0.0.1\n", "line 3: not an absolute name", id="a relative name"),
        pytest.param(HEAD + SOA + "A.x.test. 5 IN A 10.0.0.1\n", "line 3: not an absolute name", id="upper case"),
        pytest.param(HEAD + SOA + "a..x.test. 5 IN A 10.0.0.1\n", "line 3: not an absolute name", id="an empty label"),
        pytest.param(HEAD + SOA + "a.x.test. -5 IN A 10.0.0.1\n", "line 3: not a TTL", id="a negative TTL"),
        pytest.param(
            HEAD + SOA + "a.x.test. ²5 IN A 10.0.0.1\n", "line 3: not a TTL", id="a TTL that only looks like a number"
        ),
        pytest.param(HEAD + SOA + "a.x.test. 5 IN SRV 0 100 80\n", "line 3: not the data", id="half a SRV"),
        pytest.param(HEAD + SOA + "\n", "line 3: must be", id="an empty line"),
    ],
)
def test_a_wrong_line_is_named(text, words):
    with pytest.raises(SnapshotError) as caught:
        parse(text)
    assert words in str(caught.value)


@given(st.text() | st.lists(st.sampled_from(["a.x.test.", "5", "IN", "A", "10.0.0.1", ";", "²", ".", '"'])).map(" ".join))
def test_nothing_but_a_snapshot_error_comes_out(line):
    for text in (line, f"{HEAD}{SOA}{line}\n"):
        try:
            parse(text)
        except SnapshotError:
            continue
