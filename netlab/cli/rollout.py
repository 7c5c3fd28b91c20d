"""`netlab rollout`: watch a rollout, list its history, go back, restart, pause and resume.

Source: kubectl rollout, polymorphichelpers (rollout_status.go, history.go), as of v1.32.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import click

from netlab.cli.describe_pod import template_lines
from netlab.cli.durations import DurationType
from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, targets
from netlab.cli.options import example, file_option, kinds_argument, lab_option, live_lab, namespace_option
from netlab.cli.query import Selection, selected
from netlab.cli.tabbed import NONE, tabbed
from netlab.cli.words import resource, subject, usage
from netlab.desired.deployments import CAUSE, history, of_deployment, revision_of
from netlab.desired.rollout_edits import restarted, rolled_back, with_pause
from netlab.engine.view import read_lab, watch_lab
from netlab.errors import NetlabError, NotFound
from netlab.model.daemon_set import DaemonSet
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.times import rfc3339
from netlab.model.workload import Deployment, ReplicaSet

EXAMPLES = {
    "status": ("netlab rollout status deployment/frontend", "netlab rollout status deployment frontend --timeout=20s"),
    "history": ("netlab rollout history deployment/frontend", "netlab rollout history deployment/frontend --revision=1"),
    "undo": ("netlab rollout undo deployment/frontend --dry-run=client --to-revision=1",),
    "restart": ("netlab rollout restart deployment/frontend",),
    "pause": ("netlab rollout pause deployment/frontend",),
    "resume": ("netlab rollout pause deployment/frontend", "netlab rollout resume deployment/frontend"),
}


@click.group("rollout", cls=VerbGroup, invoke_without_command=True)
@early_options
@click.pass_context
def command(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """Watch the rollout of a Deployment or a DaemonSet, and act on it.

    A rollout begins when the template changes: new Pods take the place of old ones, in the way the Deployment's strategy says.
    """
    if ctx.invoked_subcommand is None:
        raise usage("what is to be done with which rollout?", "for example netlab rollout status deployment/NAME")


@command.command("status", epilog=example(*EXAMPLES["status"]))
@kinds_argument
@file_option
@click.option("-w", "--watch", type=bool, is_flag=False, flag_value=True, default=True, help="Wait until it is done.")
@click.option("--revision", type=int, default=0, metavar="N", help="Only this revision; another one is an error.")
@click.option("--timeout", type=DurationType(), default="0s", metavar="TIME", help="How long to wait; 0s: as long as it takes.")
@namespace_option
@lab_option
def status(
    *, words: tuple[str, ...], files: tuple[str, ...], watch: bool, revision: int, timeout: float,
    namespace: str | None, lab: str,
) -> None:  # fmt: skip
    """Say how far a rollout is, until it is done; exit code 1 if it exceeds its progress deadline."""
    paths = live_lab(lab)
    deadline = time.monotonic() + timeout if timeout > 0 else None
    for item in _named(read_lab(paths), words, files, namespace):
        last = ""
        for cluster in watch_lab(paths, deadline):
            text, is_done = rollout_text(_same(cluster, item), revision)
            if text != last:
                click.echo(text)
                last = text
            if is_done or not watch:
                break
        else:
            raise NetlabError("timed out waiting for the condition")


def rollout_text(item: KubernetesObject, revision: int = 0) -> tuple[str, bool]:
    """Return in kubectl's words how far a rollout is, and whether it is done.

    Raises NetlabError: nothing moved for too long, another revision is running, or the object is of a kind without rollouts.
    """
    if isinstance(item, DaemonSet):
        return _daemon_progress(item)
    if not isinstance(item, Deployment):
        raise NetlabError(f"no status viewer has been implemented for {item.kind} (Deployments and DaemonSets only)")
    name, seen, wished = item.metadata.name, item.status, item.spec.replicas
    if revision and revision != revision_of(item):
        raise NetlabError(f"desired revision ({revision}) is different from the running revision ({revision_of(item)})")
    if any(one.type == "Progressing" and one.reason == "ProgressDeadlineExceeded" for one in seen.conditions):
        raise NetlabError(f'deployment "{name}" exceeded its progress deadline')
    waiting = f'Waiting for deployment "{name}" rollout to finish:'
    if seen.updated_replicas < wished:
        return f"{waiting} {seen.updated_replicas} out of {wished} new replicas have been updated...", False
    if seen.replicas > seen.updated_replicas:
        return f"{waiting} {seen.replicas - seen.updated_replicas} old replicas are pending termination...", False
    if seen.available_replicas < seen.updated_replicas:
        return f"{waiting} {seen.available_replicas} of {seen.updated_replicas} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _daemon_progress(item: DaemonSet) -> tuple[str, bool]:
    name, found = item.metadata.name, item.status
    if item.spec.update_strategy.type != "RollingUpdate":
        raise NetlabError("rollout status is only available for RollingUpdate strategy type")
    wished, waiting = found.desired_number_scheduled, f'Waiting for daemon set "{name}" rollout to finish:'
    if found.updated_number_scheduled < wished:
        return f"{waiting} {found.updated_number_scheduled} out of {wished} new pods have been updated...", False
    if found.number_available < wished:
        return f"{waiting} {found.number_available} of {wished} updated pods are available...", False
    return f'daemon set "{name}" successfully rolled out', True


@command.command("history", epilog=example(*EXAMPLES["history"]))
@kinds_argument
@file_option
@click.option("--revision", type=click.IntRange(0), default=0, metavar="N", help="The template of this revision.")
@namespace_option
@lab_option
def show_history(*, words: tuple[str, ...], files: tuple[str, ...], revision: int, namespace: str | None, lab: str) -> None:
    """List the revisions of a Deployment, or show the template of one."""
    cluster = read_lab(live_lab(lab))
    for item in _named(cluster, words, files, namespace):
        if isinstance(item, DaemonSet):
            raise NetlabError(f"{item.key} keeps no earlier templates here; apply the one that is wanted")
        if not isinstance(item, Deployment):
            raise NetlabError(f"no history viewer has been implemented for {item.kind} (only Deployments have revisions)")
        click.echo(history_page(item, of_deployment(cluster, item), revision))


def history_page(item: Deployment, owned: Sequence[ReplicaSet], revision: int = 0) -> str:
    """Return the revisions as a table, or the template of one. Raises NetlabError: there is no such revision."""
    if not revision:
        rows = [f"{number}\t{one.metadata.annotations.get(CAUSE) or NONE}" for number, one in history(owned)]
        return f"{subject(item.key)} \n" + tabbed(["REVISION\tCHANGE-CAUSE", *rows]).rstrip("\n") + "\n"
    found = next((one for one in owned if revision_of(one) == revision), None)
    if found is None:
        raise NetlabError("unable to find the specified revision")
    lines = [f"{subject(item.key)} with revision #{revision}", *template_lines(found.spec.template)]
    return "".join(f"{line}\n" for line in lines)  # kubectl does not align this page either


@command.command("undo", epilog=example(*EXAMPLES["undo"]))
@kinds_argument
@file_option
@click.option("--to-revision", type=int, default=0, metavar="N", help="The revision to go back to; 0: the one before.")
@mutation_options
@click.pass_context
def undo(ctx: click.Context, *, words: tuple[str, ...], files: tuple[str, ...], to_revision: int, change: Mutation) -> None:
    """Go back to an earlier revision of the template."""

    def back(item: KubernetesObject, cluster: Cluster) -> Wish:
        fresh = rolled_back(item, of_deployment(cluster, item) if isinstance(item, Deployment) else (), to_revision)
        if isinstance(item, Deployment) and fresh.spec.template == item.spec.template:
            return Wish(item, f"skipped rollback (current template already matches revision {to_revision})")
        return Wish(fresh, "rolled back")

    ctx.exit(_changed(words, files, change, back))


@command.command("restart", epilog=example(*EXAMPLES["restart"]))
@kinds_argument
@file_option
@mutation_options
@click.pass_context
def restart(ctx: click.Context, *, words: tuple[str, ...], files: tuple[str, ...], change: Mutation) -> None:
    """Replace all Pods of a Deployment or a DaemonSet, step by step."""
    now = rfc3339(time.time())
    ctx.exit(_changed(words, files, change, lambda item, _: Wish(restarted(item, resource(item.kind), now), "restarted")))


@command.command("pause", epilog=example(*EXAMPLES["pause"]))
@kinds_argument
@file_option
@mutation_options
@click.pass_context
def pause(ctx: click.Context, *, words: tuple[str, ...], files: tuple[str, ...], change: Mutation) -> None:
    """Let a changed template wait; scaling goes on."""
    ctx.exit(_changed(words, files, change, lambda item, _: Wish(_paused(item, paused=True), "paused")))


@command.command("resume", epilog=example(*EXAMPLES["resume"]))
@kinds_argument
@file_option
@mutation_options
@click.pass_context
def resume(ctx: click.Context, *, words: tuple[str, ...], files: tuple[str, ...], change: Mutation) -> None:
    """Let a paused Deployment go on."""
    ctx.exit(_changed(words, files, change, lambda item, _: Wish(_paused(item, paused=False), "resumed")))


def _paused(item: KubernetesObject, *, paused: bool) -> Deployment:
    return with_pause(item, resource(item.kind), paused=paused)


def _changed(
    words: tuple[str, ...], files: tuple[str, ...], change: Mutation, act: Callable[[KubernetesObject, Cluster], Wish]
) -> int:
    """Change what is named, and return the exit code."""
    if not words and not files:
        raise usage("required resource not specified", "name objects: deployment/NAME")

    def make(cluster: Cluster) -> Iterator[Wish | NotFound]:
        for item in targets(cluster, words, files, change.namespace, Selection(every=_is_kind_only(words))):
            yield item if isinstance(item, NotFound) else act(item, cluster)

    return mutate(change, make)


def _is_kind_only(words: Sequence[str]) -> bool:
    return len(words) == 1 and "/" not in words[0]


def _named(cluster: Cluster, words: tuple[str, ...], files: tuple[str, ...], namespace: str | None) -> list[KubernetesObject]:
    """What is named; a kind alone is all of it, as in kubectl."""
    if not words and not files:
        raise usage("required resource not specified", "name objects: deployment/NAME")
    return selected(cluster, words, files, namespace, Selection(every=_is_kind_only(words)))


def _same(cluster: Cluster, item: KubernetesObject) -> KubernetesObject:
    found = cluster.objects.get(item.key)
    if found is None or found.metadata.uid != item.metadata.uid:
        raise NetlabError("object has been deleted")
    return found
