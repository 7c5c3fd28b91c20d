"""What reconciliations took, as it is kept and shown."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest

from netlab.cli.status import Status, _rows
from netlab.desired.local_policies import Unserved
from netlab.errors import KernelError
from netlab.model.service import ServicePort
from netlab.netstate.conntrack import ConntrackTable
from netlab.store.syncs import Change, Syncs, syncs
from tests.fake_lab import SERVICE, a_deployment


def test_the_first_look_writes_whole_tables_and_later_ones_parts(bench):
    first = syncs(bench.session.store)
    assert (first.whole.at, first.partial, first.failures) == (first.at, Change(), 0)
    assert first.whole.steps > 0
    bench.time[0] += 5
    bench.apply(a_deployment(1), SERVICE)
    later = syncs(bench.session.store)
    assert (later.whole, later.partial.at) == (first.whole, first.at + 5)
    bench.after(10)
    idle = syncs(bench.session.store)
    assert (idle.at, idle.partial) == (first.at + 15, later.partial)
    assert idle.took_s > 0


def test_failures_are_counted(bench):
    bench.network.fail_at = 0
    with pytest.raises(KernelError):
        bench.apply(a_deployment(1), SERVICE)
    assert syncs(bench.session.store).failures == 1
    bench.after()
    assert syncs(bench.session.store).failures == 1


def test_forgotten_flows_are_counted(bench):
    udp = replace(SERVICE, spec=replace(SERVICE.spec, ports=(ServicePort(port=53, protocol="UDP"),)))
    bench.apply(a_deployment(1), udp)
    [ip] = bench.session.store.assignments().cluster_ips[SERVICE.key]
    bench.network.udp_flows = {("fake.node-1", ip, 53, "10.244.9.8"), ("fake.node-2", ip, 53, "10.244.9.9")}
    bench.apply(a_deployment(2))
    assert syncs(bench.session.store).forgotten_flows == 2


NOW = 1000.0
QUIET = Status(
    lab="x", uid="u", subnets={}, objects={}, namespaces=1, namespaces_present=1, processes=1, memory_bytes=0, agent=7,
    nodes_stopped=[], pods_not_ready=[], is_settled=True, syncs=Syncs(), conntrack={}, unserved=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "rows"),
    [
        pytest.param({}, [], id="nothing known"),
        pytest.param({"syncs": Syncs(at=998.0, took_s=0.051)}, [("sync", "2s ago in 0.05 s")], id="a look"),
        pytest.param(
            {"syncs": Syncs(at=998.0, took_s=0.05, whole=Change(400.0, 1.25, 87), partial=Change(990.0, 0.1, 3), failures=2, forgotten_flows=4)},
            [
                ("sync", "2s ago in 0.05 s, 2 failed"), ("whole rules", "10m ago, 87 steps in 1.25 s"),
                ("changes", "10s ago, 3 steps in 0.10 s"), ("udp flows", "4 forgotten, whose endpoint had gone"),
            ],
            id="all there is",
        ),
        pytest.param(
            {"unserved": (Unserved("default/web", "externalTrafficPolicy", ("a", "b")),)},
            [("service", "default/web has no endpoints on a, b (externalTrafficPolicy Local)")],
            id="a policy Local",
        ),
        pytest.param(
            {"unserved": tuple(Unserved(f"default/s{n}", "internalTrafficPolicy", tuple("abcdefg")) for n in range(7))},
            [("service", f"default/s{n} has no endpoints on a, b, c, d, e and 2 more (internalTrafficPolicy Local)") for n in range(5)]
            + [("service", "2 more like this")],
            id="many",
        ),
        pytest.param(
            {"conntrack": {"node-1": ConntrackTable(100, 100, 7, 1), "node-2": ConntrackTable(5, 100, 2, 0)}},
            [
                ("conntrack", "node-1: full; 7 packets dropped, 1 connections evicted"),
                ("conntrack", "node-2: 5 of 100 entries; 2 packets dropped, 0 connections evicted"),
            ],
            id="tables",
        ),
    ],
)  # fmt: skip
def test_status_says_it(found, rows):
    shown = [(label, click.unstyle(text)) for label, text in _rows(replace(QUIET, **found), NOW)]
    usual = {label for label, _ in _rows(QUIET, NOW)}
    assert [row for row in shown if row[0] not in usual] == rows
