"""`netlab status`: what a lab has, and whether it is as wished."""

from __future__ import annotations

import contextlib

import click

from netlab.cli.columns import aligned
from netlab.cli.options import example, lab_option, live_lab
from netlab.cli.words import KINDS
from netlab.engine.agent import agent_pid
from netlab.engine.session import new_runtime
from netlab.engine.view import open_store
from netlab.kernel.memory import pss_bytes
from netlab.kernel.netns import names_in_use
from netlab.store.paths import labs


@click.command("status", epilog=example("netlab status"))
@click.option("--all", "every", is_flag=True, help="Only list all labs.")
@lab_option
@click.pass_context
def command(ctx: click.Context, *, every: bool, lab: str) -> None:
    """Show what a lab has and whether it is as wished; exit code 1 if it is not."""
    if every:
        click.echo("\n".join(labs()) or "no lab is up")
        return
    paths = live_lab(lab)
    with contextlib.closing(open_store(paths)) as store:
        cluster, names = store.cluster(), store.namespaces()
        settled = store.fact("synced") == str(store.revision) and not store.fact("deleting")
    spec, pid = cluster.lab.spec, agent_pid(paths)
    present = len(names & names_in_use())
    processes = new_runtime(paths).pids() + ([pid] if pid else [])
    waiting = [pod for pod in cluster.pods if not pod.is_ready and pod.status.phase != "Succeeded"]
    counts = {kind: sum(key.kind == kind for key in cluster.objects) for kind in KINDS}
    rows = [
        ["lab", f"{lab}, uid {cluster.lab.metadata.uid}"],
        ["subnets", f"nodes {spec.node_subnet}, pods {spec.pod_subnet}, services {spec.service_subnet}"],
        ["objects", ", ".join(f"{count} {KINDS[kind][0]}" for kind, count in counts.items() if count)],
        ["namespaces", f"{present} of {len(names)} network namespaces exist"],
        ["processes", f"{len(processes)}, {pss_bytes(processes) / 1e6:.0f} MB"],
        ["agent", f"process {pid}" if pid else "not running; the next command starts it"],
        [
            "pods",
            "all ready" if not waiting else f"{len(waiting)} not ready: {', '.join(pod.metadata.name for pod in waiting[:5])}",
        ],
        ["wish", "fulfilled" if settled else "not yet fulfilled"],
    ]
    click.echo(aligned(rows))
    ctx.exit(0 if settled and present == len(names) and not waiting else 1)
