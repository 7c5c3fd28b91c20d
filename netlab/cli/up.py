"""`netlab up`: make a lab."""

from __future__ import annotations

import time
from dataclasses import replace

import click

from netlab.cli.mutation import dry_run_option
from netlab.cli.options import complete_files, example, lab_option, lab_paths, report_options, say_waiting, show_report
from netlab.cli.progress import ticked, working
from netlab.engine.agent import agent_pid
from netlab.engine.down import down, is_half_removed
from netlab.engine.report import Report
from netlab.engine.session import session
from netlab.engine.up import planned, up
from netlab.errors import ManifestError, Problem
from netlab.manifest.load import load_written
from netlab.manifest.origin import MADE_BY_UP, Origin
from netlab.model.lab import Lab, LabSpec, NodeTemplate
from netlab.model.words import amount
from netlab.store.paths import LabPaths

NEXT = (
    ("netlab demo guestbook{lab}", "a web page, its redis, and the way between them"),
    ("netlab get nodes,pods -A -o wide{lab}", "what there is, and where"),
    ("netlab exec{lab} node-1 -- nft list table inet netlab", "what a Service is"),
)


@click.command("up", epilog=example("netlab up --nodes 2", "netlab up --dry-run -v"))
@click.option("--nodes", type=click.IntRange(1, 64), metavar="N", help="How many Nodes: node-1, node-2, ... [default: 3]")
@click.option(
    "-f", "--filename", "file", metavar="FILE", shell_complete=complete_files, help="A manifest with one object of kind Lab."
)
@click.option("-q", "--quiet", is_flag=True, help="Only the last line.")
@dry_run_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    nodes: int | None,
    file: str | None,
    quiet: bool,
    dry_run: str,
    verbose: int,
    timings: bool,
    lab: str,
) -> None:
    """Make a lab, or bring one that is up to what is wished. The second time nothing changes."""
    begun = time.perf_counter()
    wish, origin = _read(file) if file else (None, None)
    given = ctx.get_parameter_source("lab")
    if wish and given is click.core.ParameterSource.DEFAULT:
        lab = wish.metadata.name
    paths = lab_paths(lab)
    spec = _sized(wish.spec if wish else None, nodes)
    if origin and nodes:  # then the file has not all of it
        origin = origin._replace(verb=MADE_BY_UP)
    if dry_run != "none":
        plan = planned(paths, spec)
        show_report(Report(steps=[*plan]), verbose=verbose, timings=False)
        click.echo(f"lab {lab}: {amount(len(plan), 'change')} of the network would be made (dry run)")
        return
    with working(f"lab {lab} is being made"):
        if is_half_removed(paths):
            down(paths, waiting=say_waiting)
        with session(paths, create=True, waiting=say_waiting) as opened:
            report = up(opened, spec, origin)
            cluster = opened.store.cluster()
    if not quiet:
        _show_steps(paths, report, len(cluster.nodes))
    for problem in report.problems:
        click.echo(f"warning: {problem}", err=True)
    show_report(report, verbose=verbose, timings=timings)
    seconds = time.perf_counter() - begun
    click.echo(f"lab {lab} is up: {amount(len(cluster.nodes), 'Node')}, {amount(report.changes, 'change')} in {seconds:.2f} s")
    if not quiet and report.changes:
        _show_next(f" --lab {lab}" if wish or given is click.core.ParameterSource.COMMANDLINE else "")


def _show_steps(paths: LabPaths, report: Report, nodes: int) -> None:
    spent = {part: seconds * 1000 for part, seconds in report.timings.items()}
    network = sum(spent.get(part, 0.0) for part in ("compile", "observe", "diff", "network"))
    ticked("machine", f"has what is needed ({spent.get('prepare', 0.0):.0f} ms)")
    ticked("network", f"fabric, outside and {amount(nodes, 'Node')}: links, routes, rules ({network:.0f} ms)")
    ticked(
        "pods", f"the cluster DNS, and whatever was applied ({spent.get('processes', 0.0):.0f} ms)", good=not report.problems
    )
    pid = agent_pid(paths)
    ticked("agent", f"process {pid} keeps it so" if pid else "could not be started", good=pid is not None)


def _show_next(option: str) -> None:
    lines = [(text.format(lab=option), why) for text, why in NEXT]
    width = max(len(text) for text, _ in lines)
    click.echo("\n".join(["", "Next:", *(f"  {text:<{width}}   {why}" for text, why in lines)]))


def _read(file: str) -> tuple[Lab, Origin]:
    """The one Lab in the file, and where it stands. Raises ManifestError."""
    [one, *others] = load_written([file])
    if others or not isinstance(one.item, Lab):
        message = "`up -f` takes a manifest with exactly one object of kind Lab"
        raise ManifestError(
            (Problem(file=file, line=0, object="", path="", message=message, hint="other kinds: netlab apply -f"),)
        )
    return one.item, Origin(one.source.file, one.line, verb="")


def _sized(spec: LabSpec | None, nodes: int | None) -> LabSpec | None:
    if nodes is None:
        return spec
    templates = tuple(NodeTemplate(name=f"node-{n}") for n in range(1, nodes + 1))
    return replace(spec or LabSpec(), nodes=templates)
