"""Which Events `netlab events` shows, in which order, and how its table looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.cli.events import Wanted, command, event_table
from netlab.errors import ManifestError
from netlab.model.event import event_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.times import rfc3339

NOW = 1_700_000_000.0
WEB, DB, NODE = Key("Pod", "default", "web"), Key("Pod", "team", "db"), Key("Node", "", "node-1")


def happened(about, reason, type_="Normal", *, ago_s=0, number=0, count=1):
    event = event_of(about, type_, reason, f"{reason} it")
    meta = replace(event.metadata, name=f"{about.name}.{number:x}")
    first, last = rfc3339(NOW - ago_s - 60 * (count - 1)), rfc3339(NOW - ago_s)
    return replace(event, metadata=meta, first_timestamp=first, last_timestamp=last, count=count)


KNOWN = (
    happened(WEB, "Started", ago_s=20, number=2),
    happened(WEB, "Scheduled", ago_s=20, number=1),
    happened(WEB, "BackOff", "Warning", ago_s=5, number=4, count=3),
    happened(DB, "Started", ago_s=10, number=3),
    happened(NODE, "Started", ago_s=1, number=5),
)


@pytest.fixture
def cluster(build):
    return Cluster(lab=build.lab()).with_objects(KNOWN)


@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        pytest.param(Wanted(), "Scheduled Started BackOff Started", id="of a Namespace, the newest last, Nodes are in default"),
        pytest.param(Wanted(namespace="team"), "Started", id="of another Namespace"),
        pytest.param(Wanted(namespace=None), "Scheduled Started Started BackOff Started", id="of all"),
        pytest.param(Wanted(about=(WEB,)), "Scheduled Started BackOff", id="about an object"),
        pytest.param(Wanted(namespace="team", about=(WEB,)), "Scheduled Started BackOff", id="the object says the Namespace"),
        pytest.param(Wanted(namespace=None, types=frozenset({"warning"})), "BackOff", id="of a type"),
        pytest.param(Wanted(namespace="nosuch"), "", id="none"),
    ],
)
def test_events_are_chosen(cluster, wanted, reasons):
    assert " ".join(event.reason for event in wanted.find(cluster)) == reasons


def test_table_grows_and_keeps_its_columns():
    widths: list[int] = []
    first = event_table(KNOWN[:1], NOW, namespaced=True, widths=widths)
    assert first.splitlines() == [
        "NAMESPACE   LAST SEEN   TYPE     REASON    OBJECT    MESSAGE",
        "default     20s         Normal   Started   Pod/web   Started it",
    ]
    later = event_table(KNOWN[2:3], NOW, namespaced=True, headers=False, widths=widths)
    assert later == "default     5s (x3 over 2m5s)   Warning   BackOff   Pod/web   BackOff it"


@pytest.mark.parametrize("words", ["--types Warnings", "--for pod", "--for nosuch/x", "-o wide"])
def test_what_cannot_be_understood_is_refused(words):
    with pytest.raises(ManifestError):
        command.main(["--lab", "nosuch", *words.split()], standalone_mode=False)
