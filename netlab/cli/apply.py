"""`netlab apply`: make objects from Kubernetes YAML."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from netlab.cli.options import (
    file_option,
    lab_option,
    live_lab,
    namespace_option,
    report_options,
    say_waiting,
    show_report,
)
from netlab.cli.words import subject
from netlab.engine.agent import agent_pid, wake_agent
from netlab.engine.apply import apply
from netlab.engine.reconcile import reconcile
from netlab.engine.report import Report
from netlab.engine.session import Session, session
from netlab.errors import ManifestError, Problem
from netlab.manifest.load import load
from netlab.model.lab import KubernetesObject, Lab
from netlab.store.paths import LabPaths


@click.command("apply")
@file_option
@namespace_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context, *, files: tuple[str, ...], namespace: str | None, verbose: bool, timings: bool, lab: str
) -> None:
    """Make objects from Kubernetes YAML: all of a set, or none if there is an error in it."""
    begun = time.perf_counter()
    objects = read(files, namespace)
    paths = live_lab(lab)
    with session(paths, waiting=say_waiting) as opened:
        for key, verdict in apply(opened, objects):
            click.echo(f"{subject(key)} {verdict}")
        report = Report() if is_settled(opened, paths) else reconcile(opened)
    if report.changes:
        wake_agent(paths)
    report.timings["total"] = time.perf_counter() - begun
    show_report(report, verbose=verbose, timings=timings)
    for problem in report.problems:
        click.echo(f"error: {problem}", err=True)
    ctx.exit(3 if report.problems else 0)


def read(files: Sequence[str], namespace: str | None) -> list[KubernetesObject]:
    """Return the Kubernetes objects of the manifests, in their order. Raises ManifestError."""
    if not files:
        raise click.UsageError("name a manifest with -f FILE, -f DIR or -f -")
    objects = load(files, default_namespace=namespace, stdin=sys.stdin)
    labs = tuple(item for item in objects if isinstance(item, Lab))
    if labs:
        text = "a Lab is not applied"
        hint = "netlab up -f FILE makes it"
        raise ManifestError(
            tuple(Problem(file=files[0], line=0, object=str(lab.key), path="", message=text, hint=hint) for lab in labs)
        )
    return [item for item in objects if not isinstance(item, Lab)]


def is_settled(opened: Session, paths: LabPaths) -> bool:
    """Tell whether nothing was wished since the lab was last seen as wished, and an agent keeps it so."""
    return opened.store.fact("synced") == str(opened.store.revision) and agent_pid(paths) is not None
