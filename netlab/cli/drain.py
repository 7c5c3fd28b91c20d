"""`netlab drain`: a Node is closed to further Pods, and those that are there are evicted, as before maintenance.

An eviction is a deletion with the Pod's grace period; what made the Pod makes another one on another Node. There are no
PodDisruptionBudgets that could forbid it, so `--disable-eviction` only changes the words.
Source: kubectl drain (v1.32): pkg/cmd/drain, pkg/drain.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import click

from netlab.cli.cordon import set_cordon
from netlab.cli.durations import DurationType
from netlab.cli.mutation import DRY_RUN_WORDS, Mutation, dry_run_option
from netlab.cli.node_words import check_node_words, chosen_nodes, node_selector_option, nodes_argument
from netlab.cli.options import example, lab_option, live_lab, report_options, say_waiting
from netlab.cli.saying import say
from netlab.cli.selectors import LabelMatch, parse_labels
from netlab.cli.words import usage
from netlab.desired.drain import DrainOptions, plan_drain
from netlab.engine.agent import wake_agent
from netlab.engine.apply import delete
from netlab.engine.reconcile import reconcile
from netlab.engine.session import session
from netlab.engine.settle import wait_gone
from netlab.engine.view import read_lab
from netlab.errors import ManifestError, NetlabError
from netlab.frozen import dataclass
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What was asked for beside the Nodes. `grace_s` None: each Pod's own; `limit_s` None: as long as it takes."""

    options: DrainOptions
    selected: LabelMatch | None
    grace_s: int | None
    limit_s: float | None
    timeout: str
    dry_run: str
    evicts: bool


@click.command(
    "drain",
    epilog=example("netlab drain node-2 --ignore-daemonsets --delete-emptydir-data", "netlab drain node-1 --dry-run=client"),
)
@nodes_argument
@node_selector_option
@click.option("--pod-selector", default="", metavar="SELECTOR", help="Only the Pods with these labels.")
@click.option("--force", is_flag=True, help="Also Pods that nothing will make again.")
@click.option("--ignore-daemonsets", is_flag=True, help="Leave Pods of DaemonSets where they are.")
@click.option("--delete-emptydir-data", is_flag=True, help="Also Pods with an emptyDir, whose data is lost.")
@click.option(
    "--grace-period",
    type=click.IntRange(-1),
    default=-1,
    metavar="SECONDS",
    help="Time from TERM to KILL.  [default: its own]",
)
@click.option("--timeout", type=DurationType(), default="0s", metavar="TIME", help="How long to wait; 0s: as long as it takes.")
@click.option(
    "--skip-wait-for-delete-timeout", "skip_after_s", type=int, default=0, metavar="SECONDS",
    help="Do not wait for Pods that are being deleted for longer.",
)  # fmt: skip
@click.option("--disable-eviction", is_flag=True, help="Delete Pods rather than evict them: here the same.")
@click.option("--chunk-size", type=int, default=500, metavar="N", help="Accepted for kubectl's sake: there is no server.")
@dry_run_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    selector: str,
    pod_selector: str,
    force: bool,
    ignore_daemonsets: bool,
    delete_emptydir_data: bool,
    grace_period: int,
    timeout: float,
    skip_after_s: int,
    disable_eviction: bool,
    chunk_size: int,  # noqa: ARG001 - see its help
    dry_run: str,
    verbose: int,
    timings: bool,
    lab: str,
) -> None:
    """Empty Nodes: cordon them, then evict their Pods and wait until these are gone. `uncordon` opens them again."""
    check_node_words("drain", words, selector)
    how = How(
        options=DrainOptions(
            force=force,
            ignore_daemonsets=ignore_daemonsets,
            delete_emptydir_data=delete_emptydir_data,
            skip_after_s=skip_after_s,
            now=time.time(),
        ),
        selected=_selected(pod_selector),
        grace_s=None if grace_period < 0 else grace_period,
        limit_s=timeout if timeout > 0 else None,
        timeout=f"{timeout:g}s",
        dry_run=dry_run,
        evicts=not disable_eviction,
    )
    change = Mutation(lab=lab, namespace=None, dry_run=dry_run, output=None, verbose=verbose, timings=timings)
    code = set_cordon("drain", change, words, selector)
    paths = live_lab(lab)
    names = [node.metadata.name for node in chosen_nodes(read_lab(paths), words, selector)]
    ctx.exit(_drain(paths, names, how) or code)


def _selected(text: str) -> LabelMatch | None:
    try:
        return parse_labels(text) if text else None
    except ManifestError as error:
        raise usage("--pod-selector=<pod_selector> must be a valid label selector") from error


def _drain(paths: LabPaths, names: Sequence[str], how: How) -> int:
    """Drain one Node after the other; one that cannot be drained does not keep the others from it."""
    failed: dict[str, NetlabError] = {}
    for name in names:
        try:
            _drain_one(paths, name, how)
            click.echo(f"node/{name} drained{DRY_RUN_WORDS.get(how.dry_run, '')}")
        except NetlabError as error:
            failed[name] = error
            say(f'error: unable to drain node "{name}" due to error: {error}, continuing command...')
    if failed:
        say("There are pending nodes to be drained:\n" + "\n".join(f" {name}" for name in failed))
    for why in failed.values():
        say(str(why) if len(failed) == 1 else f"error: {why}")
    return 1 if failed else 0


def _drain_one(paths: LabPaths, name: str, how: How) -> None:
    """Evict the Pods of one Node and wait until they are gone. Raises NetlabError: Pods are in the way, or stay too long."""
    plan = plan_drain(_pods_on(paths, name, how), how.options)
    if plan.errors:
        raise NetlabError(plan.errors[0] if len(plan.errors) == 1 else f"[{', '.join(plan.errors)}]")
    if plan.warning:
        say(f"Warning: {plan.warning}")
    for pod in plan.pods if how.evicts or how.dry_run != "none" else ():
        about = f"{pod.metadata.namespace}/{pod.metadata.name}"
        click.echo(f"evicting pod {about}{DRY_RUN_WORDS.get(how.dry_run, '')}")
    if how.dry_run == "none" and plan.pods:
        _evict(paths, plan.pods, how)


def _pods_on(paths: LabPaths, name: str, how: How) -> Iterator[Pod]:
    for pod in read_lab(paths).pods:
        if pod.spec.node_name == name and (how.selected is None or how.selected.matches(pod.metadata.labels)):
            yield pod


def _evict(paths: LabPaths, pods: Sequence[Pod], how: How) -> None:
    with session(paths, waiting=say_waiting) as opened:
        uids = delete(opened, [pod.key for pod in pods], grace_s=how.grace_s).uids
        reconcile(opened)
        wake_agent(paths)
    end = None if how.limit_s is None else time.monotonic() + how.limit_s
    for key, uid in uids.items():
        left_s = None if end is None else max(0.0, end - time.monotonic())
        try:
            wait_gone(paths, {key: uid}, time.time, say_waiting, left_s)
        except NetlabError as error:
            late = f'error when waiting for pod "{key.name}" in namespace "{key.namespace}" to terminate'
            raise NetlabError(f"{late}: global timeout reached: {how.timeout}") from error
        click.echo(f"pod/{key.name} {'evicted' if how.evicts else 'deleted'}")
