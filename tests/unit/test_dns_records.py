"""The text of the records: what is read from it, and every way in which it can be wrong."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.dns.records import Records, RecordsError, parse
from netlab.dns.wire import Type

HEAD = "; zone x.test. serial 7\n"
A = "a.x.test. 5 IN A 10.0.0.1\n"
SOA = "x.test. 5 IN SOA ns.dns.x.test. hostmaster.x.test. 7 7200 1800 86400 5\n"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("a.b.svc.x.test.", [(Type.A, 5, "10.0.0.1"), (Type.A, 9, "10.0.0.2")], id="a name with two addresses"),
        pytest.param("b.svc.x.test.", [], id="a name between a record and its zone exists"),
        pytest.param("empty.svc.x.test.", [], id="a Namespace without records exists"),
        pytest.param("empty.pod.x.test.", [], id="so does its place for Pods"),
        pytest.param("pod.x.test.", [], id="and the one above it"),
        pytest.param("c.svc.x.test.", None, id="no such name"),
    ],
)
def test_find(name, found):
    text = f"{HEAD}; namespace empty\n{SOA}\n; b/a\na.b.svc.x.test. 5 IN A 10.0.0.1\na.b.svc.x.test. 9 IN A 10.0.0.2\n"
    assert parse(text).find(name) == found


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        pytest.param("x.test.", "x.test.", id="the zone itself"),
        pytest.param("a.b.x.test.", "x.test.", id="below it"),
        pytest.param("ax.test.", "", id="a name that only ends like it"),
        pytest.param("test.", "", id="above it"),
        pytest.param(".", "", id="the root"),
    ],
)
def test_zone_of(name, zone):
    assert parse(HEAD + SOA).zone_of(name) == zone


def text_of(paragraphs):
    """A whole text; of each paragraph the names that have one address each."""
    records = (
        f"\n; {head}\n" + "".join(f"{name}.x.test. 5 IN A 10.0.0.1\n" for name in names) for head, names in paragraphs.items()
    )
    return f"{HEAD}{SOA}" + "".join(records)


def known(records):
    """All that can be found, in an order of its own, and how many names there are below each."""
    return {name: sorted(texts) for name, texts in records._entries.items()}, records._below, records.domain, records.zones


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)
PARAGRAPHS = st.dictionaries(st.sampled_from(["d/a", "d/b", "e/a"]), st.lists(NAMES, max_size=3, unique=True))


@given(st.lists(PARAGRAPHS, min_size=1, max_size=4))
def test_records_that_followed_are_those_that_are_read_anew(texts):
    records = Records()
    for paragraphs in texts:
        for _ in records.follow(StringIO(text_of(paragraphs))):
            pass
        assert known(records) == known(parse(text_of(paragraphs)))


@pytest.mark.parametrize(
    ("later", "steps"),
    [
        pytest.param({"d/a": ["a"], "d/b": ["b"]}, [], id="the same text: nothing"),
        pytest.param({"d/a": ["a"], "d/b": ["c"]}, [True], id="another record"),
        pytest.param({"d/a": ["a"]}, [True], id="a paragraph less"),
        pytest.param({f"d/{n}": [f"a{n}"] for n in range(600)}, [True] * 3, id="many: in several steps"),
    ],
)
def test_what_is_not_different_is_no_change(later, steps):
    records = parse(text_of({"d/a": ["a"], "d/b": ["b"]}))
    assert [step for step in records.follow(StringIO(text_of(later))) if step] == steps


def test_a_text_with_one_wrong_line_changes_nothing():
    records = parse(text_of({"d/a": ["a"]}))
    before = known(records)
    with pytest.raises(RecordsError):
        list(records.follow(StringIO(text_of({"d/a": ["b"]}) + "rubbish\n")))
    assert known(records) == before


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_the_size_of_the_pieces_means_nothing(monkeypatch, size):
    text = text_of({"d/a": ["a", "b"], "d/b": []})
    expected = known(parse(text))
    monkeypatch.setattr("netlab.dns.records.PIECE_CHARACTERS", size)
    assert known(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "line 1: must be `; zone NAME. serial NUMBER`", id="an empty file"),
        pytest.param("; zone x.test serial 7\n", "line 1", id="a relative domain"),
        pytest.param(HEAD, "has no SOA", id="no authority"),
        pytest.param(HEAD + SOA + "a.x.test. 5 IN A 10.0.0", "the last line is cut off", id="the last line is cut"),
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
        pytest.param(HEAD + SOA + "a.x.test. 5 IN SRV 0 100 65536 b.x.test.\n", "line 3: not the data", id="a port too high"),
        pytest.param(HEAD + SOA + f"{'a' * 64}.x.test. 5 IN A 10.0.0.1\n", "line 3: not an absolute", id="a label too long"),
        pytest.param(
            HEAD + SOA + "a.x.test. 5 IN AAAA 10.0.0.1\n", "line 3: not the data", id="an address of the other family"
        ),
        pytest.param(HEAD + SOA + 'a.x.test. 5 IN TXT "a"b"\n', "line 3: not the data", id="a quote inside a text"),
        pytest.param(HEAD + f"; namespace A\n{SOA}", "line 2: not the name of a Namespace", id="a Namespace in upper case"),
        pytest.param(HEAD + SOA + "\n", "line 4: must be `; NAMESPACE/NAME`", id="an empty line at the end"),
        pytest.param(HEAD + SOA + f"\n{A}", "line 4: must be `; NAMESPACE/NAME`", id="a paragraph without a heading"),
        pytest.param(HEAD + SOA + f"\n; d/a\n{A}\n; d/a\n", "line 7: there is another", id="two paragraphs of one Service"),
        pytest.param(HEAD + SOA + f"\n; d/a\n; namespace b\n{A}", "line 5: must be", id="a Namespace not in the head"),
    ],
)
def test_a_wrong_line_is_named(text, words):
    with pytest.raises(RecordsError) as caught:
        parse(text)
    assert words in str(caught.value)


@given(st.text() | st.lists(st.sampled_from(["a.x.test.", "5", "IN", "A", "10.0.0.1", ";", "²", ".", '"'])).map(" ".join))
def test_nothing_but_a_snapshot_error_comes_out(line):
    for text in (line, f"{HEAD}{SOA}{line}\n"):
        try:
            parse(text)
        except RecordsError:
            continue
