"""`netlab run -it --rm`: a Pod for one command. The Pod only waits; the command runs in it, and the Pod goes when it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

import click

from netlab.cli.mutation import Mutation
from netlab.cli.options import live_lab, say_waiting
from netlab.cli.wait import Goal
from netlab.cli.words import already_exists
from netlab.engine.apply import apply, delete
from netlab.engine.containers import directories
from netlab.engine.reconcile import reconcile
from netlab.engine.session import session
from netlab.engine.settle import wait_gone
from netlab.engine.view import watch_lab
from netlab.errors import NetlabError
from netlab.kernel.commands import run_command
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths

READY_WITHIN_S = 60.0


def run_inside(change: Mutation, pod: Pod, args: Sequence[str], *, stdin: bool, tty: bool) -> int:
    """Make the Pod, run the command in it, delete the Pod; return the command's exit code.

    Raises:
        NetlabError: the Pod exists, does not become ready in time, or has no command to run.
    """
    if not args:
        raise NetlabError("name the command to run behind --, for example: netlab run -it --rm client -- bash")
    paths = live_lab(change.lab)
    with session(paths, waiting=say_waiting) as opened:
        if pod.key in opened.store.cluster().objects:
            raise already_exists("Pod", pod.metadata.name)
        made = apply(opened, [pod], verb="netlab run")[0].item
        reconcile(opened)
    try:
        _await_ready(paths, pod)
        terminal = tty and sys.stdin.isatty()
        streams = (None if stdin else subprocess.DEVNULL, None, None)
        name = pod.spec.containers[0].name
        return run_command(directories(paths), made.metadata.uid, name, args, tty=terminal, stdio=streams)
    finally:
        _remove(paths, pod)


def _await_ready(paths: LabPaths, pod: Pod) -> None:
    for cluster in watch_lab(paths, time.monotonic() + READY_WITHIN_S):
        if Goal("condition", "Ready").is_met(cluster.objects.get(pod.key)):
            return
    raise NetlabError(f"pod {pod.metadata.name!r} was not ready within {READY_WITHIN_S:.0f} s; see `netlab describe {pod.key}`")


def _remove(paths: LabPaths, pod: Pod) -> None:
    with session(paths, waiting=say_waiting) as opened:
        gone = delete(opened, [pod.key], grace_s=0)
        reconcile(opened)
    wait_gone(paths, gone.uids, time.time, say_waiting)
    click.echo(f'pod "{pod.metadata.name}" deleted', err=True)
