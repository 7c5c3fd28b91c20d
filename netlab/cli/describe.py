"""`netlab describe`: one object with all that belongs to it, for a human: what it is, what follows from it, what happened.

kubectl's layout, and behind it what is netlab's own: the rules that carry a Service; the network namespace of a Pod or a Node.
Source: kubectl describe (v1.32).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import click

from netlab.cli.describe_node import node_lines
from netlab.cli.describe_pod import pod_lines
from netlab.cli.describe_replicas import workload_lines
from netlab.cli.describe_service import endpoints_lines, iptables_lines, rule_lines, service_lines, slice_lines
from netlab.cli.describe_workload import config_map_lines, namespace_lines, secret_lines
from netlab.cli.options import example, kinds_argument, lab_option, live_lab, namespace_option
from netlab.cli.query import Query, parse_query
from netlab.cli.saying import say_error
from netlab.cli.tabbed import NONE, event_lines, event_page, mapping, tabbed
from netlab.cli.words import usage
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net, iptables_parts, is_at_balancer, service_part
from netlab.desired.host_network import netns_of
from netlab.engine.view import read_lab, read_wish
from netlab.errors import NotFound
from netlab.model.config import ConfigMap, Secret
from netlab.model.daemon_set import DaemonSet
from netlab.model.endpoints import Endpoints
from netlab.model.event import Event
from netlab.model.job import Job
from netlab.model.kube_proxy import ProxyMode
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod
from netlab.model.service import EndpointSlice, Service
from netlab.model.workload import Deployment, ReplicaSet
from netlab.netstate.names import OUTSIDE, NetnsName, machine_netns

Lines = Iterator[str]
NO_TYPE = (
    'You must specify the type of resource to describe. Use "netlab api-resources" for a complete list of supported resources.'
)


@click.command(
    "describe", epilog=example("netlab describe service redis-slave", "netlab describe pods", "netlab describe node node-1")
)
@kinds_argument
@click.option("-A", "--all-namespaces", is_flag=True, help="In all Namespaces.")
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Those with these labels.")
@click.option("--show-events/--no-show-events", default=True, help="End with the Events.  [default: yes]")
@namespace_option
@lab_option
@click.pass_context
def command(
    ctx: click.Context, *, words: tuple[str, ...], all_namespaces: bool, selector: str, show_events: bool,
    namespace: str | None, lab: str,
) -> None:  # fmt: skip
    """Show objects with all that belongs to them. A NAME that no object has stands for all names that begin so."""
    if not words:
        raise usage(NO_TYPE)
    query = parse_query(words, namespace=namespace, everywhere=all_namespaces, selector=selector)
    paths = live_lab(lab)
    cluster, (_, assignments) = read_lab(paths, with_events=True), read_wish(paths)
    now = time.time()
    items, errors = chosen(query, cluster)
    pages = [describe(item, cluster, assignments, now, with_events=show_events) for item in items]
    if pages and query.missing(cluster):  # by their beginning; then kubectl ends each page with an empty line
        pages = [f"{page}\n" for page in pages]
    if pages:
        click.echo("\n\n\n".join(pages))
    elif not errors:
        click.echo(f"No resources found{query.place}{'.' if query.place else ''}", err=True)
    for error in errors:
        say_error(error)
    ctx.exit(1 if errors else 0)


def describe(
    item: KubernetesObject, cluster: Cluster, assignments: Assignments, now: float, *, with_events: bool = True
) -> str:
    """Return the page about one object."""
    lines = [*_head(item), *_body(item, cluster, now), *_linux(item, cluster, assignments)]
    if with_events and not isinstance(item, Secret):  # nothing happens to one
        about = [event for event in cluster.events if event.about == item.key]
        lines += event_lines(sorted(about, key=lambda event: event.last_timestamp), now)
    return tabbed(lines)


def chosen(query: Query, cluster: Cluster) -> tuple[list[KubernetesObject], list[NotFound]]:
    """Return the objects that a query means, and an error for each name that is nobody's, nor the beginning of any."""
    found = [item for items in query.find(cluster).values() for item in items]
    missing = query.missing(cluster)
    if not missing or not query.is_single:
        return found, missing
    [(kind, [beginning])] = query.names.items()
    every = replace(query, names={}).find(cluster)[kind]
    begun = [item for item in every if item.metadata.name.startswith(beginning)]
    return begun, [] if begun else missing


def _head(item: KubernetesObject) -> Lines:
    yield f"Name:\t{item.metadata.name}"
    if item.metadata.namespace:
        yield f"Namespace:\t{item.metadata.namespace}"


def _labels(item: KubernetesObject) -> Lines:
    yield from mapping("Labels", item.metadata.labels)
    yield from mapping("Annotations", item.metadata.annotations, sign=": ")


def _body(item: KubernetesObject, cluster: Cluster, now: float) -> Lines:
    match item:
        case Pod():
            yield from pod_lines(item)
        case Deployment() | ReplicaSet() | DaemonSet() | Job():
            yield from workload_lines(item, cluster, now)
        case Node():
            yield from node_lines(item, cluster.pods, now)
        case Service():
            mine = (item.metadata.namespace, item.metadata.name)
            slices = [one for one in cluster.slices if (one.metadata.namespace, one.service_name) == mine]
            yield from (*_labels(item), *service_lines(item, slices))
        case EndpointSlice():
            yield from (*_labels(item), *slice_lines(item))
        case Endpoints():
            yield from (*_labels(item), *endpoints_lines(item))
        case ConfigMap():
            yield from (*_labels(item), *config_map_lines(item))
        case Secret():
            yield from (*_labels(item), *secret_lines(item))
        case Namespace():
            yield from (*_labels(item), *namespace_lines(item))
        case Event():
            yield from event_page(item)


def _linux(item: KubernetesObject, cluster: Cluster, assignments: Assignments) -> Lines:
    """What the object is made of."""
    lab = cluster.lab.metadata.name
    match item:
        case Service():
            yield from _rules(item, cluster, assignments)
        case Pod():
            yield from _netns(netns_of(lab, item, assignments.pods.get(item.key)), cluster, assignments)
        case Node():
            yield from _netns(machine_netns(lab, item.metadata.name), cluster, assignments)
        case _:
            return


def _rules(item: Service, cluster: Cluster, assignments: Assignments) -> Lines:
    """What a Service is on the Nodes of each mode."""
    by_mode: dict[ProxyMode, list[str]] = {}
    for name in assignments.nodes:
        by_mode.setdefault(cluster.lab.spec.proxy_mode(name), []).append(name)
    for mode, names in by_mode.items():
        where = "every Node" if len(by_mode) == 1 else ", ".join(names)
        if mode == "nftables":
            yield from rule_lines(service_part(cluster, assignments, item, names[0]), where)
        else:
            for part in iptables_parts(cluster, assignments, item, names[0]):
                yield from iptables_lines(part, where)
    if is_at_balancer(cluster, assignments, item):
        yield from rule_lines(service_part(cluster, assignments, item, OUTSIDE), OUTSIDE)


def _netns(name: NetnsName, cluster: Cluster, assignments: Assignments) -> Lines:
    """The network namespace with its links, addresses and routes, in the words of ip."""
    found = compile_net(cluster, assignments).by_name.get(name)
    if found is None:
        yield f"Network Namespace:\t{NONE}"
        return
    yield f"Network Namespace:\t{name}"
    yield from (
        f"  {line.strip()}" for line in list(replace(found, table=None, iptables=frozenset(), sysctls=frozenset()).lines())[1:]
    )
