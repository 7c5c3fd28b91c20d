"""`netlab top`: what Pods and Nodes use of the machine's processors and memory.

A Node uses what its Pods use: its kernel part costs nothing that could be told apart, and its machine is this one, so its
percentages are of this one. The figures are those of a quarter of a second, measured while the command waits.
Source: kubectl top (columns, sorting, --sum), as of v1.32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import click

from netlab.cli.cells import aligned
from netlab.cli.flags import VerbGroup
from netlab.cli.options import complete_nodes, complete_pods, example, lab_option, live_lab, namespace_option
from netlab.cli.selectors import parse_labels
from netlab.cli.words import WORDS, not_found
from netlab.desired.power import stopped_nodes
from netlab.engine.view import read_lab
from netlab.errors import NetlabError
from netlab.kernel.usage import Capacity, Container, Usage, capacity, measure, total
from netlab.model.lab import Cluster
from netlab.model.pod import Pod

MEBIBYTE = 1 << 20
UNKNOWN = "<unknown>"
RULE = "________"
SORTED_BY: dict[str, Callable[[Usage], float]] = {
    "cpu": lambda usage: usage.cores or 0.0,
    "memory": lambda usage: usage.memory_bytes or 0,
}
ABOUT = {"Pod": "pods", "Node": "nodes"}
WITH_VALUE = {"-n", "--namespace", "--lab", "-l", "--selector", "--sort-by"}

Row = tuple[tuple[str, ...], Usage]
"""The names of a line (Namespace, Pod, container), and what it uses."""


class TopGroup(VerbGroup):
    """`top pods`, also as `pod`, `po`; `top nodes` likewise. Options may stand before the kind."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments with the kind in front."""
        behind = zip(["", *args], args, strict=False)
        at = next((n for n, (before, word) in enumerate(behind) if before not in WITH_VALUE and word in self.words()), 0)
        return super().parse_args(ctx, [*args[at : at + 1], *args[:at], *args[at + 1 :]])

    def words(self) -> set[str]:
        """Return all words that name one of the commands."""
        return {word for word, kind in WORDS.items() if kind in ABOUT}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command for a kind."""
        return super().get_command(ctx, ABOUT.get(WORDS.get(cmd_name, ""), cmd_name))


@click.group("top", cls=TopGroup, epilog=example("netlab top pods", "netlab top nodes"))
def command() -> None:
    """Show what Pods or Nodes use of processors and memory."""


def sort_option(function: Callable[..., object]) -> Callable[..., object]:
    """Add `--sort-by`."""
    return click.option("--sort-by", default="", metavar="cpu|memory", help="The largest first.")(function)


@command.command(
    "pods",
    epilog=example(
        "netlab top pods",
        "netlab top pods -A --sum",
        "netlab top pods -l app=redis --containers",
        "netlab top pods --sort-by=memory --no-headers",
    ),
)
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete_pods)
@click.option("-A", "--all-namespaces", is_flag=True, help="In all Namespaces.")
@click.option("-l", "--selector", default="", metavar="LABELS", help="Only Pods with these labels.")
@click.option("--containers", is_flag=True, help="A line for each container.")
@click.option("--no-headers", is_flag=True, help="Without the line of headings.")
@click.option("--sum", "with_sum", is_flag=True, help="Add a line with the sum.")
@sort_option
@namespace_option
@lab_option
def pods(
    *,
    name: str | None,
    all_namespaces: bool,
    selector: str,
    containers: bool,
    no_headers: bool,
    with_sum: bool,
    sort_by: str,
    namespace: str | None,
    lab: str,
) -> None:
    """Show what Pods that run use: thousandths of a processor, mebibytes."""
    check_sorting(sort_by)
    if name and selector:
        raise NetlabError("only one of NAME or selector can be provided; leave out NAME or -l")
    scope = None if all_namespaces else namespace or "default"
    paths = live_lab(lab)
    wanted = chosen(read_lab(paths), scope, name, selector)
    usages = measure(paths.lab, containers_of(wanted))
    rows = pod_rows(wanted, usages, containers=containers, sort_by=sort_by)
    if not rows and name:
        raise NetlabError(f"Metrics not available for pod {scope}/{name}: no container of it runs")
    if not rows:
        click.echo(f"No resources found in {scope} namespace." if scope else "No resources found", err=True)
        return
    hidden = 0 if all_namespaces else 1
    headings = ["NAMESPACE", *(("POD",) if containers else ()), "NAME", "CPU(cores)", "MEMORY(bytes)"][hidden:]
    lines = [[*names[hidden:], *figures(usage)] for names, usage in rows]
    if with_sum:
        blank = [""] * (len(headings) - 2)
        lines += [[*blank, RULE, RULE], [*blank, *figures(total(usage for _, usage in rows))]]
    click.echo(aligned(lines if no_headers else [headings, *lines]))


@command.command("nodes", epilog=example("netlab top nodes", "netlab top node node-1", "netlab top nodes --sort-by=cpu"))
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete_nodes)
@click.option("--no-headers", is_flag=True, help="Without the line of headings.")
@sort_option
@lab_option
def nodes(*, name: str | None, no_headers: bool, sort_by: str, lab: str) -> None:
    """Show what the Pods of each Node use, also as a part of this machine's processors and memory."""
    check_sorting(sort_by)
    paths = live_lab(lab)
    cluster = read_lab(paths)
    names = [node.metadata.name for node in cluster.nodes if name in {None, node.metadata.name}]
    if name and not names:
        raise not_found("Node", name)
    rows = node_rows(names, cluster.pods, measure(paths.lab, containers_of(cluster.pods)), sort_by)
    headings = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    off = stopped_nodes(cluster.lab)
    lines = [[*names, *([UNKNOWN] * 4 if off.intersection(names) else shares(usage, capacity()))] for names, usage in rows]
    click.echo(aligned(lines if no_headers else [headings, *lines]))


def check_sorting(sort_by: str) -> None:
    """Raise NetlabError unless it is possible to sort by this."""
    if sort_by and sort_by not in SORTED_BY:
        raise NetlabError("--sort-by accepts only cpu or memory")


def chosen(cluster: Cluster, namespace: str | None, name: str | None, selector: str) -> list[Pod]:
    """Return the Pods that are meant, by Namespace (None: all) and name. Raises NotFound, ManifestError."""
    labels = parse_labels(selector)
    found = [
        pod
        for pod in cluster.pods
        if namespace in {None, pod.metadata.namespace}
        and name in {None, pod.metadata.name}
        and labels.matches(pod.metadata.labels)
    ]
    if name and not found:
        raise not_found(Pod.kind, name)
    return found


def containers_of(items: Iterable[Pod]) -> list[Container]:
    """Return the containers of Pods that run; one that has ended leaves an empty cgroup."""
    return [(pod.metadata.uid, status.name) for pod in items for status in pod.lasting_statuses if status.state == "running"]


def pod_rows(items: Sequence[Pod], usages: dict[Container, Usage], *, containers: bool, sort_by: str) -> list[Row]:
    """Return a line for each Pod of which a container runs, or for each container that runs, in kubectl's order."""
    rows: list[tuple[Usage, list[Row]]] = []
    for pod in items:
        meta = pod.metadata
        own = {name: usages[meta.uid, name] for _, name in containers_of([pod]) if (meta.uid, name) in usages}
        if own:
            here = (meta.namespace, meta.name)
            whole = total(own.values())
            single: list[Row] = [((*here, name), usage) for name, usage in sorted(own.items())]
            rows.append((whole, in_order(single, sort_by) if containers else [(here, whole)]))
    if sort_by:
        rows.sort(key=lambda row: SORTED_BY[sort_by](row[0]), reverse=True)
    return [line for _, lines in rows for line in lines]


def node_rows(names: Sequence[str], items: Sequence[Pod], usages: dict[Container, Usage], sort_by: str) -> list[Row]:
    """Return a line for each Node: what the containers of its Pods use together."""
    homes = {pod.metadata.uid: pod.spec.node_name for pod in items}
    rows: list[Row] = [
        ((name,), total(usage for (uid, _), usage in usages.items() if homes[uid] == name)) for name in sorted(names)
    ]
    return in_order(rows, sort_by)


def in_order(rows: list[Row], sort_by: str) -> list[Row]:
    """Return rows with the largest first, or as they are."""
    return sorted(rows, key=lambda row: SORTED_BY[sort_by](row[1]), reverse=True) if sort_by else rows


def figures(usage: Usage) -> list[str]:
    """Return the two cells of a usage, as kubectl rounds them: `12m` (up), `34Mi` (down)."""
    cores, memory = usage.cores, usage.memory_bytes
    return [
        UNKNOWN if cores is None else f"{math.ceil(round(cores * 1000, 6))}m",
        UNKNOWN if memory is None else f"{memory // MEBIBYTE}Mi",
    ]


def shares(usage: Usage, whole: Capacity) -> list[str]:
    """Return the four cells of a usage with its percentages."""
    cpu, memory = figures(usage)
    return [cpu, _percent(usage.cores, whole.cores), memory, _percent(usage.memory_bytes, whole.memory_bytes)]


def _percent(part: float | None, whole: int) -> str:
    return UNKNOWN if part is None or not whole else f"{int(part * 100 / whole)}%"
