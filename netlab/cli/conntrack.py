"""`netlab conntrack`: the connections that Nodes track, with names; with `-w` their timeline.

A Node tracks what it forwards, also what is translated nowhere; a connection across two Nodes stands in the tables of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import click

from netlab.cli.capture_lines import clock
from netlab.cli.cells import aligned
from netlab.cli.find import find_machine, find_object, pods_of
from netlab.cli.options import complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.saying import say
from netlab.cli.text import as_json_line
from netlab.cli.words import usage
from netlab.desired.assignments import Assignments
from netlab.engine.connections import connections, tracking_namespaces, watch_connections
from netlab.engine.view import read_wish
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.service import Service
from netlab.netstate.conntrack import FlowTuple, TrackedConnection
from netlab.netstate.names import NetnsName
from netlab.packets.connections import (
    Moment,
    Serving,
    destination,
    is_stale,
    service_of,
    serving,
    source,
    state,
)
from netlab.packets.names import Names, names_of, short_name

HEADINGS: Final = ("NODE", "PROTO", "STATE", "SOURCE", "DESTINATION", "ENDPOINT", "SEEN AS")
NONE: Final = "<none>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which connections: those of these Nodes, with one of these addresses at an end, or to one of these Services; or all."""

    everything: bool = True
    netns: frozenset[NetnsName] = frozenset()
    addresses: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    def has(self, netns: NetnsName, entry: TrackedConnection, names: Names) -> bool:
        """Tell whether a connection is meant."""
        ends = {entry.original.source, entry.original.destination, entry.reply.source, entry.reply.destination}
        return (
            self.everything
            or netns in self.netns
            or not ends.isdisjoint(self.addresses)
            or service_of(entry, names) in self.services
        )


@click.command(
    "conntrack",
    epilog=example(
        "netlab conntrack",
        "netlab conntrack svc/redis-master",
        "netlab conntrack node-1 deploy/frontend -o json",
        "netlab conntrack -w svc/redis-master",
    ),
)
@click.option("-w", "--watch", is_flag=True, help="Go on with what becomes of them: new, translated, refreshed, stale, gone.")
@click.option("-o", "--output", type=click.Choice(["json"]), help="JSON lines.")
@namespace_option
@lab_option
@click.argument("words", nargs=-1, metavar="[POD|TYPE/NAME|NODE]...", shell_complete=complete_targets)
def command(*, watch: bool, output: str | None, namespace: str | None, lab: str, words: tuple[str, ...]) -> None:
    """Show the connections that Nodes track: who asked what, who answers, as whom he is seen.

    TYPE/NAME is pod/NAME, deploy/NAME or svc/NAME.
    """
    paths = live_lab(lab)
    cluster, assignments = read_wish(paths)
    names, ends = names_of(cluster, assignments), serving(cluster, assignments)
    chosen = choice(cluster, assignments, words, namespace or "default")
    found = [
        (netns, entry)
        for netns, entries in connections(cluster).items()
        for entry in sorted(entries)
        if chosen.has(netns, entry, names)
    ]
    if output:
        for netns, entry in found:
            click.echo(as_json_line(as_data(netns, entry, names, stale=is_stale(entry, ends))))
    elif found:
        click.echo(aligned([HEADINGS, *(row(netns, entry, names, ends) for netns, entry in found)]))
    elif not watch:
        click.echo("No connections found.", err=True)
    if watch:
        go_on = watch_connections(paths, cluster, assignments, say_lost)
        show(next(go_on), chosen, output)
        say("watching; Ctrl-C ends")
        for told in go_on:
            show(told, chosen, output)


def choice(cluster: Cluster, assignments: Assignments, words: Sequence[str], namespace: str) -> Choice:
    """Return which connections are meant. Raises NotFound, ManifestError, NetlabError."""
    spaces: set[NetnsName] = set()
    addresses: set[str] = set()
    services: set[str] = set()
    for word in words:
        machine = find_machine(cluster, word)
        if machine is not None:
            if machine not in tracking_namespaces(cluster):
                raise usage(f"{word} tracks no connections", "name Nodes, Pods or Services")
            spaces.add(machine)
            continue
        item = find_object(cluster, word, namespace)
        if isinstance(item, Service):
            services.add(f"svc/{short_name(item.metadata)}")
            continue
        for pod in [item] if item.kind == "Pod" else pods_of(cluster, item):
            bound = assignments.pods.get(pod.key)
            addresses.update(bound.ips if bound else ())
    return Choice(everything=not words, netns=frozenset(spaces), addresses=frozenset(addresses), services=frozenset(services))


def row(netns: NetnsName, entry: TrackedConnection, names: Names, ends: Serving) -> tuple[str, ...]:
    """Return the cells of a connection."""
    told = f"{state(entry)},stale" if is_stale(entry, ends) else state(entry)
    return (
        names.space(netns),
        entry.original.protocol,
        told,
        source(entry.original, names),
        destination(entry.original, names),
        source(entry.reply, names) if entry.has_new_destination else NONE,
        destination(entry.reply, names) if entry.has_new_source else NONE,
    )


def show(told: tuple[Names, Sequence[Moment]], chosen: Choice, output: str | None) -> None:
    """Print what has become of connections, a line each, with the names of that moment."""
    names, moments = told
    for one in moments:
        if not chosen.has(one.netns, one.entry, names):
            continue
        if output:
            change = {"change": one.word, "detail": one.detail, "timeNs": one.time_ns}
            click.echo(as_json_line(as_data(one.netns, one.entry, names, stale=one.word == "stale") | change))
        else:
            asked = one.entry.original
            ends = f"{asked.protocol} {source(asked, names)} > {destination(asked, names)}"
            detail = f": {one.detail}" if one.detail else ""
            click.echo(f"{clock(one.time_ns)} {names.space(one.netns)} {one.word:<10} {ends}{detail}")


def say_lost() -> None:
    """Say that the timeline is not whole."""
    say("more happened than could be read: some changes are not shown")


def as_data(netns: NetnsName, entry: TrackedConnection, names: Names, *, stale: bool) -> dict[str, object]:
    """Return a connection as plain data, the tuples as conntrack has them."""
    return {
        "node": names.space(netns),
        "protocol": entry.original.protocol,
        "state": state(entry),
        "original": _tuple(entry.original, names),
        "reply": _tuple(entry.reply, names),
        "destinationTranslated": entry.has_new_destination,
        "sourceTranslated": entry.has_new_source,
        "service": service_of(entry, names),
        "stale": stale,
    }


def _tuple(flow: FlowTuple, names: Names) -> Mapping[str, object]:
    return {
        "source": flow.source,
        "sourceName": names.of(flow.source),
        "sourcePort": flow.source_port,
        "destination": flow.destination,
        "destinationName": names.of(flow.destination),
        "destinationPort": flow.destination_port,
    }
