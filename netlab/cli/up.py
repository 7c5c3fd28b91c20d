"""`netlab up`: make a lab."""

from __future__ import annotations

import time
from dataclasses import replace

import click

from netlab.cli.options import lab_option, lab_paths, report_options, say_waiting, show_report
from netlab.engine.down import down, is_half_removed
from netlab.engine.session import session
from netlab.engine.up import up
from netlab.errors import ManifestError, Problem
from netlab.manifest.load import load
from netlab.model.lab import Lab, LabSpec, NodeTemplate


@click.command("up")
@click.option("--nodes", type=click.IntRange(1, 64), metavar="N", help="How many Nodes: node-1, node-2, ... [default: 3]")
@click.option("-f", "--filename", "file", metavar="FILE", help="A manifest with one object of kind Lab.")
@report_options
@lab_option
@click.pass_context
def command(ctx: click.Context, *, nodes: int | None, file: str | None, verbose: bool, timings: bool, lab: str) -> None:
    """Make a lab, or bring one that is up to what is wished. The second time nothing changes."""
    begun = time.perf_counter()
    wish = _read(file) if file else None
    given = ctx.get_parameter_source("lab")
    if wish and given is click.core.ParameterSource.DEFAULT:
        lab = wish.metadata.name
    paths = lab_paths(lab)
    spec = _sized(wish.spec if wish else None, nodes)
    if is_half_removed(paths):
        down(paths, waiting=say_waiting)
    with session(paths, create=True, waiting=say_waiting) as opened:
        report = up(opened, spec)
        size = len(opened.store.cluster().nodes)
    for problem in report.problems:
        click.echo(f"warning: {problem}", err=True)
    show_report(report, verbose=verbose, timings=timings)
    seconds = time.perf_counter() - begun
    click.echo(f"lab {lab} is up: {size} Nodes, {report.changes} changes in {seconds:.2f} s")


def _read(file: str) -> Lab:
    """The one Lab in the file. Raises ManifestError."""
    objects = load([file])
    labs = [item for item in objects if isinstance(item, Lab)]
    if len(labs) != 1 or len(objects) != 1:
        message = "`up -f` takes a manifest with exactly one object of kind Lab"
        raise ManifestError(
            (Problem(file=file, line=0, object="", path="", message=message, hint="other kinds: netlab apply -f"),)
        )
    return labs[0]


def _sized(spec: LabSpec | None, nodes: int | None) -> LabSpec | None:
    if nodes is None:
        return spec
    templates = tuple(NodeTemplate(name=f"node-{n}") for n in range(1, nodes + 1))
    return replace(spec or LabSpec(), nodes=templates)
