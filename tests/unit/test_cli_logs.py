"""Which lines of which logs `netlab logs` prints, and what it says of those it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.cli.durations import seconds
from netlab.cli.log_files import Log
from netlab.cli.log_lines import Entry, Printer, Wanted, entry_of
from netlab.cli.logs import Which, chosen, tail_of
from netlab.errors import NetlabError, NotFound
from netlab.model.container import Container

LINES = [f"2026-01-31T12:00:0{n}.123456789+00:00 stdout F line {n}\n" for n in range(4)]
NOON = 1_769_860_800.0


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("2026-01-01T00:00:00.1Z stdout F hello there\n", ("2026-01-01T00:00:00.1Z", "hello there\n")),
        ("2026-01-01T00:00:00.1Z stderr F \n", ("2026-01-01T00:00:00.1Z", "\n")),
        ("2026-01-01T00:00:00.1Z stdout P half\n", ("2026-01-01T00:00:00.1Z", "half")),
        ("not CRI\n", ("", "not CRI\n")),
    ],
)
def test_entries(line, entry):
    assert entry_of(line) == entry


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        pytest.param(Wanted(), "0 1 2 3", id="all"),
        pytest.param(Wanted(tail=2), "2 3", id="the last two"),
        pytest.param(Wanted(tail=0), "", id="none"),
        pytest.param(Wanted(tail=9), "0 1 2 3", id="more than there are"),
        pytest.param(Wanted(since=NOON + 2), "2 3", id="since a moment"),
        pytest.param(Wanted(since=NOON + 2.5), "3", id="since a fraction"),
        pytest.param(Wanted(since=NOON + 1, tail=1), "3", id="both"),
        pytest.param(Wanted(since=NOON + 3, tail=2), "3", id="of the last those since a moment"),
        pytest.param(Wanted(since=NOON + 60), "", id="later than all"),
    ],
)
def test_lines_are_chosen(wanted, numbers):
    assert "".join(entry.text for entry in wanted.of(LINES)) == "".join(f"line {n}\n" for n in numbers.split())


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        pytest.param(Wanted(tail=1), ["half"], id="the last one, without its end"),
        pytest.param(Wanted(tail=2), ["one", " two", "\n", "half"], id="one that was written in three parts is one"),
        pytest.param(Wanted(tail=3), ["before\n", "one", " two", "\n", "half"], id="and the one before it"),
        pytest.param(Wanted(since=NOON + 1), ["one", " two", "\n", "half"], id="of the time when it was begun"),
        pytest.param(Wanted(since=NOON + 2), ["half"], id="begun before"),
    ],
)
def test_a_line_in_parts_is_one(wanted, texts):
    parts = [(0, "F", "before"), (1, "P", "one"), (1, "P", " two"), (2, "F", ""), (3, "P", "half")]
    lines = [f"2026-01-31T12:00:0{second}.5+00:00 stdout {tag} {text}\n" for second, tag, text in parts]
    assert [entry.text for entry in wanted.of(lines)] == texts


@pytest.mark.parametrize(
    ("printer", "lines"),
    [
        pytest.param(Printer(), ["one two\n", "three\n", "four"], id="only the last without a newline"),
        pytest.param(
            Printer(prefix="[p] "), ["[p] one two\n", "[p] three\n", "[p] four"], id="the prefix once for a line in parts"
        ),
        pytest.param(Printer(timestamps=True), ["T1 one two\n", "T3 three\n", "T4 four"], id="the time of the first part"),
        pytest.param(Printer(left=5), ["one t"], id="so many bytes"),
        pytest.param(Printer(left=8), ["one two\n"], id="bytes that end with a line"),
        pytest.param(Printer(prefix="[p] ", left=5), ["[p] one t"], id="the prefix does not count"),
        pytest.param(Printer(timestamps=True, left=5), ["T1 on"], id="the time counts"),
        pytest.param(Printer(left=100), ["one two\n", "three\n", "four"], id="fewer than allowed"),
    ],
)
def test_lines_are_printed_whole(printer, lines):
    parts = [Entry("T1", "one "), Entry("T2", "two\n"), Entry("T3", "three\n"), Entry("T4", "four")]
    assert list(printer.lines(parts[:1])) == []
    assert list(filter(None, [*printer.lines(parts[1:]), printer.rest()])) == lines
    assert printer.rest() == ""


def test_bytes_are_counted_not_letters():
    printer = Printer(left=3)
    list(printer.lines([Entry("", "éé\n")]))
    assert printer.is_full
    assert printer.rest().encode(errors="surrogateescape") == "éé".encode()[:3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5s", 5), ("1h2m3.5s", 3723.5), ("500ms", 0.5), ("0", 0), ("-1s", -1), ("+2m", 120), (".5s", 0.5), ("1.s", 1),
        ("", None), ("5", None), ("s", None), ("5 s", None), ("1d", None), ("--5s", None), ("5s5", None), ("٣s", None),
    ],
)  # fmt: skip
def test_durations_are_gos(text, found):
    assert seconds(text) == (None if found is None else pytest.approx(found))


def test_a_half_written_line_is_read_when_it_is_whole(tmp_path):
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as written, path.open(errors="surrogateescape", newline="\n") as file:
        log = Log("uid", "main", path, file, Printer())
        seen = []
        for piece in (b"T stdout F a\xc3", b"\xa9b", b"\xff\nT std", b"out F c\n"):
            written.write(piece)
            seen.append([line.encode(errors="surrogateescape") for line in log.lines()])
    assert seen == [[], [], [b"T stdout F a\xc3\xa9b\xff\n"], [b"T stdout F c\n"]]


@pytest.mark.parametrize(
    ("given", "selector", "tail"), [(None, "", None), (None, "a=b", 10), (-1, "a=b", None), (3, "a=b", 3), (0, "", 0)]
)
def test_by_label_ten_lines_are_wanted_if_nothing_else_is_said(given, selector, tail):
    assert tail_of(given, selector) == tail


@pytest.fixture
def cluster(build):
    pair = build.pod("pair", app="pair")
    both = (*pair.spec.containers, Container(name="helper", image="host", command=("true",)))
    late = build.pod("web-2", phase="Pending", state="waiting")
    pods = (build.pod("web-1"), late, replace(pair, spec=replace(pair.spec, containers=both)))
    return build.cluster(*pods, build.service("web", 80))


def which(*words, **more):
    rest = {"namespace": "default", "selector": "", "container": None, "all_containers": False, "all_pods": False}
    return Which(words=words, **{**rest, **more})


@pytest.mark.parametrize(
    ("asked", "found", "told"),
    [
        pytest.param(which("web-1"), "web-1/main", "", id="a Pod"),
        pytest.param(which("pod/web-1"), "web-1/main", "", id="with its kind"),
        pytest.param(which("svc/web"), "web-1/main", "Found 2 pods, using pod/web-1\n", id="the best Pod of a Service"),
        pytest.param(which("svc/web", all_pods=True), "web-1/main web-2/main", "", id="all Pods of a Service"),
        pytest.param(
            which("pair"), "pair/main", 'Defaulted container "main" out of: main, helper\n', id="one of two containers"
        ),
        pytest.param(which("pair", container="helper"), "pair/helper", "", id="a container"),
        pytest.param(which("pair", all_containers=True), "pair/main pair/helper", "", id="all containers"),
        pytest.param(which(selector="app=web"), "web-1/main web-2/main", "", id="by label"),
        pytest.param(which(selector="app=nosuch"), "", "", id="nothing by label"),
    ],
)
def test_logs_are_chosen(cluster, capsys, asked, found, told):
    assert " ".join(f"{pod.metadata.name}/{name}" for pod, name in chosen(cluster, asked)) == found
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        pytest.param(which("nosuch"), NotFound, 'pods "nosuch" not found in namespace "default"', id="no Pod"),
        pytest.param(which("deploy/x"), NotFound, 'deployments.apps "x" not found in namespace "default"', id="no Deployment"),
        pytest.param(which("pair", container="x"), NotFound, "container x is not valid for pod pair", id="no container"),
        pytest.param(which("node/node-1"), NetlabError, "has no Pods", id="a Node has none"),
    ],
)
def test_what_has_no_log(cluster, asked, error, message):
    with pytest.raises(error, match=message):
        chosen(cluster, asked)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("", "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.", id="nothing named"),
        pytest.param("a b c", "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.", id="a word too many"),
        pytest.param(
            "a -l b=c", "only a selector (-l) or a POD name is allowed\nSee 'netlab logs -h' for help", id="a name and labels"
        ),
        pytest.param("a b -c c", "only one of -c or an inline [CONTAINER] arg is allowed (leave one of them out)", id="two containers"),
        pytest.param(
            "a -c b --all-containers", "--all-containers=true should not be specified with container name b (leave one out)",
            id="one and all containers",
        ),
        pytest.param("a --since=1y", 'invalid argument "1y" for "--since" flag: time: invalid duration "1y"', id="no duration"),
        pytest.param("a --since-time=noon", '"noon" is no time in RFC 3339', id="no moment"),
        pytest.param("a --since-time=2026-01-31T12:00:00", '"2026-01-31T12:00:00" is no time in RFC 3339', id="no time zone"),
        pytest.param(
            "a --since=1s --since-time=2026-01-31T12:00:00Z",
            "at most one of `sinceTime` or `sinceSeconds` may be specified", id="both",
        ),
        pytest.param("a --tail=-2", "--tail must be greater than or equal to -1\n", id="a tail of less than all"),
        pytest.param("a --limit-bytes=-1", "--limit-bytes must be greater than 0\n", id="less than no bytes"),
        pytest.param("a --since=-1s", "--since must be greater than 0\n", id="since later"),
        pytest.param("a --tail=x", 'invalid argument "x" for "--tail" flag', id="no number"),
    ],
)  # fmt: skip
def test_command_lines_that_are_refused(said, line, message):
    code, out, err = said("logs", *line.split())
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {message}")
