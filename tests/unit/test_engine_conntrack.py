"""A full table of connections is told, once for what was lost, on the Node that it is."""

from __future__ import annotations

import pytest

from netlab.engine.conntrack import watch_conntrack
from netlab.engine.nodes import stop_nodes
from netlab.netstate.conntrack import ConntrackTable
from netlab.store.events import events
from netlab.store.syncs import conntrack_tables

NODE = "fake.node-1"
CALM = ConntrackTable(entries=10, limit=100, dropped=0, evicted=0)
FULL = CALM._replace(entries=100)


def counted(bench):
    """How often which Node was told to be full."""
    return {event.about.name: event.count for event in events(bench.session.store) if event.reason == "ConntrackFull"}


@pytest.mark.parametrize(
    ("looks", "times"),
    [
        pytest.param([CALM, CALM._replace(entries=99)], 0, id="room for one more"),
        pytest.param([CALM._replace(limit=0, entries=9999)], 0, id="without a limit"),
        pytest.param([CALM._replace(dropped=3)], 0, id="packets that were dropped for other reasons"),
        pytest.param([FULL, FULL, FULL], 1, id="full, and nobody came"),
        pytest.param([FULL, FULL._replace(dropped=1), FULL._replace(dropped=2), FULL._replace(dropped=2)], 3, id="they come"),
        pytest.param([CALM._replace(evicted=1), CALM._replace(evicted=1)], 1, id="it was full between two looks"),
        pytest.param([FULL, CALM, FULL], 2, id="full again"),
        pytest.param([FULL._replace(dropped=9), CALM, CALM._replace(evicted=2)], 2, id="made anew, it counts from nothing"),
    ],
)
def test_it_is_told_when_connections_find_no_room(bench, looks, times):
    for look in looks:
        bench.network.conntrack_tables[NODE] = look
        watch_conntrack(bench.session)
    assert counted(bench) == ({"node-1": times} if times else {})


def test_what_was_seen_is_kept_for_status(bench):
    bench.network.conntrack_tables = {NODE: FULL, "fake.node-2": CALM, "fake.node-3": CALM._replace(dropped=1)}
    watch_conntrack(bench.session)
    assert conntrack_tables(bench.session.store) == {"node-1": FULL, "node-3": CALM._replace(dropped=1)}
    bench.network.conntrack_tables[NODE] = CALM
    watch_conntrack(bench.session)
    assert conntrack_tables(bench.session.store).keys() == {"node-3"}


def test_a_machine_that_is_off_tracks_nothing(bench):
    bench.network.conntrack_tables[NODE] = FULL
    stop_nodes(bench.session, ["node-1"])
    watch_conntrack(bench.session)
    assert counted(bench) == {}
