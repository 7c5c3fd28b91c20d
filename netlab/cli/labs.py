"""`netlab labs`: the labs of this machine, one a line."""

from __future__ import annotations

import contextlib

import click

from netlab.cli.cells import aligned
from netlab.cli.options import example
from netlab.cli.text import as_json_line
from netlab.engine.agent import agent_pid
from netlab.engine.view import open_store
from netlab.errors import NetlabError
from netlab.kernel.machine import require_root
from netlab.kernel.netns import names_in_use
from netlab.store.paths import LabPaths, labs

TITLES = ("NAME", "STATUS", "NODES", "PODS", "NAMESPACES", "AGENT")


@click.command("labs", epilog=example("netlab labs", "netlab labs -o name"))
@click.option("-o", "--output", type=click.Choice(["json", "name"]), help="JSON lines, or only the names.")
@click.option("--no-headers", is_flag=True, help="Leave out the line of headings.")
def command(*, output: str | None, no_headers: bool) -> None:
    """List the labs of this machine."""
    require_root()
    present = frozenset(names_in_use())
    rows = [_row(LabPaths(name), present) for name in labs()]
    if output:
        for row in rows:
            click.echo(row[0] if output == "name" else as_json_line(dict(zip(map(str.lower, TITLES), row, strict=True))))
    elif rows:
        click.echo(aligned(rows if no_headers else [TITLES, *rows]))
    else:
        click.echo("No labs found; `netlab up` makes one.", err=True)


def _row(paths: LabPaths, present: frozenset[str]) -> tuple[str, ...]:
    """The cells of one lab; one that is half-made or half-removed says so."""
    try:
        with contextlib.closing(open_store(paths)) as store:
            cluster, names = store.cluster(), store.namespaces()
            state = "half-removed" if store.fact("deleting") else "Up"
    except NetlabError:
        return paths.lab, "half-made", "?", "?", "?", "?"
    pods, ready = len(cluster.pods), sum(pod.is_ready for pod in cluster.pods)
    pid = agent_pid(paths)
    existing = f"{len(names & present)}/{len(names)}"
    return paths.lab, state, str(len(cluster.nodes)), f"{ready}/{pods}", existing, str(pid) if pid else "<none>"
