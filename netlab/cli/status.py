"""`netlab status`: what a lab has, and whether it is as wished."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

import click

from netlab.cli.cells import aligned, duration
from netlab.cli.options import example, lab_option, live_lab
from netlab.cli.text import as_json_line
from netlab.cli.words import KINDS
from netlab.desired.local_policies import Unserved, unserved
from netlab.desired.power import stopped_nodes
from netlab.desired.published import published
from netlab.engine.agent import agent_pid
from netlab.engine.containers import new_runtime
from netlab.engine.view import open_store
from netlab.frozen import dataclass
from netlab.kernel.memory import pss_bytes
from netlab.kernel.netns import names_in_use
from netlab.model.wire import wire_name
from netlab.netstate.conntrack import ConntrackTable
from netlab.store.paths import LabPaths
from netlab.store.syncs import Syncs, conntrack_tables, syncs

MAX_PODS = MAX_SERVICES = MAX_NODES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A lab at one moment. `agent` is a pid or None; `is_settled`: nothing was left to do when the agent last looked.

    `syncs` are the last reconciliations; `conntrack` are the Nodes' tables of connections that are full or were once, as the
    agent saw them last; `unserved` are Services that a policy Local keeps from some Nodes.
    """

    lab: str
    uid: str
    subnets: dict[str, str]
    objects: dict[str, int]
    namespaces: int
    namespaces_present: int
    processes: int
    memory_bytes: int
    agent: int | None
    nodes_stopped: list[str]
    pods_not_ready: list[str]
    is_settled: bool
    syncs: Syncs
    conntrack: dict[str, ConntrackTable]
    unserved: tuple[Unserved, ...]

    @property
    def is_as_wished(self) -> bool:
        """Tell whether the lab has all that it should, and every Pod is ready or has succeeded."""
        return self.is_settled and self.namespaces == self.namespaces_present and not self.pods_not_ready


@click.command("status", epilog=example("netlab status", "netlab status -o json"))
@click.option("-o", "--output", type=click.Choice(["json"]), help="One line of JSON.")
@lab_option
@click.pass_context
def command(ctx: click.Context, *, output: str | None, lab: str) -> None:
    """Show what a lab has and whether it is as wished; exit code 1 if it is not."""
    found = look(live_lab(lab))
    plain = asdict(found) | {"is_as_wished": found.is_as_wished}
    data = {wire_name(name): _plain(value) for name, value in plain.items()}
    click.echo(as_json_line(data) if output else aligned(list(_rows(found, time.time()))))
    ctx.exit(0 if found.is_as_wished else 1)


def look(paths: LabPaths) -> Status:
    """Return the status of a lab. Raises NotFound if there is none."""
    with contextlib.closing(open_store(paths)) as store:
        cluster, assignments, names = store.cluster(), store.assignments(), store.namespaces()
        last, tables = syncs(store), conntrack_tables(store)
        settled = store.fact("synced") == str(store.revision) and not store.fact("deleting")
    spec, pid = cluster.lab.spec, agent_pid(paths)
    processes = new_runtime(paths).pids() + ([pid] if pid else [])
    present = Counter(key.kind for key in published(cluster, assignments, time.time()).objects)
    return Status(
        lab=paths.lab,
        uid=cluster.lab.metadata.uid,
        subnets={"nodes": spec.node_subnet, "pods": spec.pod_subnet, "services": spec.service_subnet},
        objects={plural: present[kind] for kind, (plural, *_) in KINDS.items() if present[kind]},
        namespaces=len(names),
        namespaces_present=len(names & names_in_use()),
        processes=len(processes),
        memory_bytes=pss_bytes(processes),
        agent=pid,
        nodes_stopped=sorted(stopped_nodes(cluster.lab)),
        pods_not_ready=[pod.metadata.name for pod in cluster.pods if not pod.is_ready and pod.status.phase != "Succeeded"],
        is_settled=settled,
        syncs=last,
        conntrack=tables,
        unserved=unserved(cluster, assignments),
    )


def _plain(value: object) -> object:
    """Return a value for JSON: of a named tuple the fields under their names."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {wire_name(name): _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return {key: _plain(part) for key, part in value.items()} if isinstance(value, dict) else value


def _rows(found: Status, now: float) -> Iterator[tuple[str, str]]:
    waiting = found.pods_not_ready
    more = ", ..." if len(waiting) > MAX_PODS else ""
    all_exist = found.namespaces_present == found.namespaces
    yield "lab", f"{found.lab}, uid {found.uid}"
    yield "subnets", ", ".join(f"{what} {subnet}" for what, subnet in found.subnets.items())
    yield "objects", ", ".join(f"{count} {plural}" for plural, count in found.objects.items())
    yield "namespaces", _coloured(f"{found.namespaces_present} of {found.namespaces} network namespaces exist", good=all_exist)
    yield "processes", f"{found.processes}, {found.memory_bytes / 1e6:.0f} MB"
    agent = f"process {found.agent}" if found.agent else "not running; the next command starts it"
    yield "agent", _coloured(agent, good=bool(found.agent))
    if found.nodes_stopped:
        yield "nodes", _coloured(f"{len(found.nodes_stopped)} stopped: {', '.join(found.nodes_stopped)}", good=False)
    pods = f"{len(waiting)} not ready: {', '.join(waiting[:MAX_PODS])}{more}" if waiting else "all ready"
    yield "pods", _coloured(pods, good=not waiting)
    yield from _traffic_rows(found)
    yield from _sync_rows(found.syncs, now)
    yield "wish", _coloured("fulfilled" if found.is_settled else "not yet fulfilled", good=found.is_settled)


def _traffic_rows(found: Status) -> Iterator[tuple[str, str]]:
    """What keeps packets away although all is as wished."""
    for item in found.unserved[:MAX_SERVICES]:
        more = f" and {len(item.nodes) - MAX_NODES} more" if len(item.nodes) > MAX_NODES else ""
        yield "service", f"{item.owner} has no endpoints on {', '.join(item.nodes[:MAX_NODES])}{more} ({item.policy} Local)"
    if len(found.unserved) > MAX_SERVICES:
        yield "service", f"{len(found.unserved) - MAX_SERVICES} more like this"
    for name, table in found.conntrack.items():
        full = "full" if table.is_full else f"{table.entries} of {table.limit} entries"
        lost = f"{table.dropped} packets dropped, {table.evicted} connections evicted"
        yield "conntrack", _coloured(f"{name}: {full}; {lost}", good=not (table.is_full or table.evicted))


def _sync_rows(last: Syncs, now: float) -> Iterator[tuple[str, str]]:
    if last.at:
        failures = f", {last.failures} failed" if last.failures else ""
        yield "sync", _coloured(f"{duration(int(now - last.at))} ago in {last.took_s:.2f} s{failures}", good=not last.failures)
    for label, change in (("whole rules", last.whole), ("changes", last.partial)):
        if change.at:
            yield label, f"{duration(int(now - change.at))} ago, {change.steps} steps in {change.took_s:.2f} s"
    if last.forgotten_flows:
        yield "udp flows", f"{last.forgotten_flows} forgotten, whose endpoint had gone"


def _coloured(text: str, *, good: bool) -> str:
    """Return text in green, or in yellow for what somebody should look at; click takes colours off where they do not belong."""
    return click.style(text, fg="green" if good else "yellow")
