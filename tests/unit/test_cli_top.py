"""The lines of `top`: which, in which order, how figures are written."""

from __future__ import annotations

import pytest

from netlab.cli.top import chosen, containers_of, figures, node_rows, pod_rows, shares
from netlab.errors import NotFound
from netlab.kernel.usage import Capacity, Look, Usage, between, total

MI = 1 << 20


@pytest.fixture
def cluster(build):
    return build.cluster(
        build.pod("a", app="web", node="node-1"),
        build.pod("b", app="db", node="node-2"),
        build.pod("c", "team", app="web", node="node-2"),
    )


USAGES = {
    ("uid-default-a", "main"): Usage(0.1, 30 * MI),
    ("uid-default-b", "main"): Usage(0.3, 10 * MI),
    ("uid-team-c", "main"): Usage(0.2, 20 * MI),
}


@pytest.mark.parametrize(
    ("namespace", "name", "selector", "expected"),
    [
        pytest.param("default", None, "", ["a", "b"], id="a Namespace"),
        pytest.param(None, None, "", ["a", "b", "c"], id="all Namespaces"),
        pytest.param(None, None, "app=web", ["a", "c"], id="a selector"),
        pytest.param("default", "b", "", ["b"], id="a name"),
        pytest.param("nosuch", None, "", [], id="nothing there"),
    ],
)
def test_which_pods(cluster, namespace, name, selector, expected):
    assert [pod.metadata.name for pod in chosen(cluster, namespace, name, selector)] == expected


def test_a_pod_that_there_is_not(cluster):
    with pytest.raises(NotFound, match='pods "c" not found'):
        chosen(cluster, "default", "c", "")


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        pytest.param("", ["a", "b", "c"], id="by Namespace and name"),
        pytest.param("cpu", ["b", "c", "a"], id="by CPU, the largest first"),
        pytest.param("memory", ["a", "c", "b"], id="by memory, the largest first"),
    ],
)
def test_order_of_pods(cluster, sort_by, expected):
    rows = pod_rows(cluster.pods, USAGES, containers=False, sort_by=sort_by)
    assert [names[1] for names, _ in rows] == expected


def test_a_pod_of_which_nothing_runs_has_no_line(cluster):
    rows = pod_rows(cluster.pods, {("uid-default-a", "main"): Usage(0.1, 1)}, containers=False, sort_by="")
    assert rows == [(("default", "a"), Usage(0.1, 1))]


def test_containers_have_lines_of_their_own(cluster):
    rows = pod_rows(cluster.pods[:1], USAGES, containers=True, sort_by="cpu")
    assert rows == [(("default", "a", "main"), USAGES["uid-default-a", "main"])]
    assert containers_of(cluster.pods[:1]) == [("uid-default-a", "main")]


@pytest.mark.parametrize(("sort_by", "expected"), [("", ["node-1", "node-2"]), ("cpu", ["node-2", "node-1"])])
def test_a_node_uses_what_its_pods_use(cluster, sort_by, expected):
    rows = dict(node_rows(["node-2", "node-1"], cluster.pods, USAGES, sort_by))
    assert [name for (name,) in rows] == expected
    assert rows["node-1",] == Usage(0.1, 30 * MI)
    assert rows["node-2",] == Usage(0.5, 30 * MI)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(Usage(0.0, 0), ["0m", "0Mi"], id="nothing"),
        pytest.param(Usage(0.0001, MI - 1), ["1m", "0Mi"], id="CPU is rounded up, memory down"),
        pytest.param(Usage(0.250, 1205 * MI + 5), ["250m", "1205Mi"], id="whole thousandths stay"),
        pytest.param(Usage(1.5000001, 0), ["1501m", "0Mi"], id="more than one processor"),
        pytest.param(Usage(None, None), ["<unknown>", "<unknown>"], id="not known"),
    ],
)
def test_figures(usage, expected):
    assert figures(usage) == expected


def test_shares_of_the_machine_are_rounded_down():
    assert shares(Usage(0.123, 1205 * MI), Capacity(2, 4096 * MI)) == ["123m", "6%", "1205Mi", "29%"]
    assert shares(Usage(None, 1), Capacity(2, 0)) == ["<unknown>", "<unknown>", "0Mi", "<unknown>"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(Look(1.0, 10.0, 5), Look(3.0, 11.0, 7), Usage(0.5, 7), id="processor time over time, memory now"),
        pytest.param(Look(1.0, 10.0, 5), Look(2.0, 0.25, 7), Usage(0.25, 7), id="a new cgroup of the same name"),
        pytest.param(Look(1.0, None, 5), Look(2.0, 1.0, 7), Usage(None, 7), id="no counter at first"),
        pytest.param(Look(1.0, 1.0, 5), Look(1.0, 1.0, None), Usage(None, None), id="no time between"),
    ],
)
def test_usage_between_two_looks(first, second, expected):
    assert between(first, second) == expected


def test_a_sum_with_something_unknown_is_unknown():
    assert total([Usage(0.5, 1), Usage(0.25, 2)]) == Usage(0.75, 3)
    assert total([Usage(0.5, 1), Usage(None, 2)]) == Usage(None, 3)
    assert total([]) == Usage(0, 0)
