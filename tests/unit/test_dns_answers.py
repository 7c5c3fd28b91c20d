"""Answers that are kept: what stays, what goes, and that a new file is in the next answer."""

import dns.message
import pytest

from netlab.dns.answers import ENTRY_BYTES, Answers, Kept

HEAD = "; zone x.test. serial 7\n; namespace d\nx.test. 5 IN SOA ns.x.test. h.x.test. 7 7200 1800 86400 5\n"


def text_of(*ips):
    return f"{HEAD}\n; d/a\n" + "".join(f"a.x.test. 5 IN A {ip}\n" for ip in ips)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "records"
    path.write_text(text_of("10.0.0.1", "10.0.0.2"))
    return path


@pytest.fixture
def source(path):
    source = Answers(path)
    read_all(source)
    return source


def read_all(source):
    source.look()
    while source.are_changing:
        source.read_on(1)


def ask(source, name="a.x.test.", kind="A"):
    found = source.datagram(dns.message.make_query(name, kind).to_wire()[2:])
    return [item.address for rrset in dns.message.from_wire(b"id" + found).answer for item in rrset]


def test_what_is_in_use_stays_and_what_is_asked_once_goes():
    kept = Kept(10 * (ENTRY_BYTES + 10))
    kept.keep(b"in use", b"answer", 4)
    for number in range(1000):
        if kept.recent.get(b"in use") is None:
            assert kept.recall(b"in use") == b"answer"
        kept.keep(b"%06d" % number, b"answer", 4)
    assert len(kept.recent) + len(kept._earlier) <= 20
    assert kept.recent.get(b"in use") or kept.recall(b"in use")


def test_names_that_do_not_exist_push_out_none_that_do(source, monkeypatch):
    monkeypatch.setattr(source._none, "_limit", 10_000)
    ask(source)
    for number in range(1000):
        assert ask(source, f"n{number}.x.test.") == []
    assert len(source._some.recent) == 1
    assert len(source._none.recent) < 100


def test_addresses_take_turns(source):
    assert [ask(source)[0] for _ in range(4)] == ["10.0.0.1", "10.0.0.2"] * 2


def test_a_long_question_is_answered_and_not_kept(source):
    query = dns.message.make_query("a.x.test.", "A", use_edns=0, pad=600)
    assert dns.message.from_wire(b"id" + source.datagram(query.to_wire()[2:])).answer
    assert not source._some.recent


def test_what_is_no_query_is_not_answered_and_not_kept(source):
    assert source.datagram(b"\x80" + bytes(20)) is None
    assert source.datagram(b"") is None
    assert not source._none.recent


def test_a_new_file_is_in_the_next_answer(source, path):
    assert ask(source, "b.x.test.") == []
    path.write_text(text_of("10.0.0.9") + "b.x.test. 5 IN A 10.0.0.8\n")
    assert ask(source) == ["10.0.0.1", "10.0.0.2"]  # nobody has looked yet
    read_all(source)
    assert ask(source) == ["10.0.0.9"]
    assert ask(source, "b.x.test.") == ["10.0.0.8"]


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(source, path):
    path.write_text(text_of("10.0.0.3"))
    source.look()
    path.write_text(text_of("10.0.0.44"))
    source.look()
    read_all(source)
    assert ask(source) == ["10.0.0.44"]


def test_answers_are_given_between_the_steps_of_a_long_text(source, path, monkeypatch):
    monkeypatch.setattr("netlab.dns.records.PIECE_CHARACTERS", 64)
    path.write_text(text_of("10.0.0.3") + "".join(f"\n; d/{n}\nn{n}.x.test. 5 IN A 10.1.0.1\n" for n in range(1000)))
    source.look()
    seen = []
    while source.are_changing:
        seen += ask(source)[:1]
        source.read_on(1e-9)  # one step
    assert len(seen) > 100
    assert set(seen) == {"10.0.0.1", "10.0.0.2"} | set(seen[-1:])
    assert ask(source) == ["10.0.0.3"]


@pytest.mark.parametrize("wrong", ["rubbish\n", text_of("10.0.0.5") + "rubbish\n", "", text_of("10.0.0.5é")])
def test_a_wrong_file_is_said_once_and_changes_nothing(source, path, wrong, capsys):
    path.write_text(wrong)
    for _ in range(3):
        read_all(source)
        assert ask(source)[0] in ("10.0.0.1", "10.0.0.2")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_before_there_is_a_file_the_answer_is_servfail(tmp_path):
    source = Answers(tmp_path / "records")
    read_all(source)
    query = dns.message.make_query("a.x.test.", "A").to_wire()
    assert dns.message.from_wire(b"id" + source.datagram(query[2:])).rcode() == 2
    (tmp_path / "records").write_text(text_of("10.0.0.1"))
    read_all(source)
    assert ask(source) == ["10.0.0.1"]
