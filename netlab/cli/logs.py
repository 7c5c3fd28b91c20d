"""`netlab logs`: what containers printed, of one Pod or of many, and what they go on printing.

Source: kubectl logs (v1.32), whose words the errors are.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from netlab.cli.durations import DurationType
from netlab.cli.find import container_of, find_object, find_pod, pods_of
from netlab.cli.log_lines import Printer, Wanted
from netlab.cli.options import complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.query import parse_query
from netlab.cli.saying import say_error
from netlab.cli.words import resource, usage
from netlab.engine.session import new_runtime
from netlab.engine.view import read_lab
from netlab.errors import NetlabError, NotFound
from netlab.kernel.inotify import Watch
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths

LOOK_AGAIN_S = 1.0
TAIL_OF_MANY = 10
USAGE = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command\n"
    "See 'netlab logs -h' for help and examples"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Whose logs: the words of the command line and the flags that choose."""

    words: tuple[str, ...]
    namespace: str
    selector: str
    container: str | None
    all_containers: bool
    all_pods: bool


@dataclass(slots=True)
class Log:
    """The log of one container, open at its beginning, and how it is printed."""

    pod: Pod
    container: str
    path: Path
    file: TextIO
    printer: Printer


@click.command(
    "logs",
    epilog=example(
        "netlab logs deploy/frontend --tail=5",
        "netlab logs svc/redis-master --timestamps",
        "netlab logs -l app=redis --prefix --since=5m",
        "netlab logs -f deploy/redis-master",
    ),
)
@click.argument("words", nargs=-1, metavar="POD|TYPE/NAME [CONTAINER]", shell_complete=complete_targets)
@click.option("-c", "--container", metavar="NAME", help="Which container; the first if nothing else says.")
@click.option("--all-containers", is_flag=True, help="All containers of the Pod.")
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Of all Pods with these labels; --tail is 10 then.")
@click.option("--all-pods", is_flag=True, help="Of all Pods of a Deployment or a Service; implies --prefix.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the present one.")
@click.option("-f", "--follow", is_flag=True, help="Go on printing until the containers have ended.")
@click.option("--tail", type=click.IntRange(-1), metavar="N", help="Only the last N lines; -1: all.")
@click.option("--since", type=DurationType(), metavar="TIME", help="Only what is not older: 5s, 2m, 3h.")
@click.option("--since-time", metavar="TIME", help="Only what was printed since this moment (RFC 3339).")
@click.option("--limit-bytes", type=click.IntRange(1), metavar="N", help="At most so many bytes of each container.")
@click.option("--timestamps", is_flag=True, help="The time before each line, in nanoseconds.")
@click.option("--prefix", is_flag=True, help="Pod and container before each line.")
@click.option("--max-log-requests", type=int, default=5, show_default=True, metavar="N", help="So many logs at most with -f.")
@click.option("--ignore-errors", is_flag=True, help="Go on with the next container if one has no log.")
@namespace_option
@lab_option
def command(
    *, words: tuple[str, ...], container: str | None, all_containers: bool, selector: str, all_pods: bool, previous: bool,
    follow: bool, tail: int | None, since: float | None, since_time: str | None, limit_bytes: int | None, timestamps: bool,
    prefix: bool, max_log_requests: int, ignore_errors: bool, namespace: str | None, lab: str,
) -> None:  # fmt: skip
    """Print the output of containers."""
    which = Which(
        words=words, namespace=namespace or "default", selector=selector, container=_container(words, container),
        all_containers=all_containers, all_pods=all_pods,
    )  # fmt: skip
    _check(which)
    lines = tail if tail is not None else TAIL_OF_MANY if selector else -1
    wanted = Wanted(tail=None if lines < 0 else lines, since=_since(since, since_time, time.time()))
    paths = live_lab(lab)
    found = chosen(read_lab(paths), which)
    if not found:
        click.echo(f"No resources found in {which.namespace} namespace.", err=True)
        return
    if follow and len(found) > max_log_requests:
        raise NetlabError(
            f"you are attempting to follow {len(found)} log streams, but maximum allowed concurrency is {max_log_requests},"
            " use --max-log-requests to increase the limit"
        )
    with contextlib.ExitStack() as stack:
        logs = []
        for pod, name in found:
            head = f"[pod/{pod.metadata.name}/{name}] " if prefix or all_pods else ""
            printer = Printer(prefix=head, timestamps=timestamps, left=limit_bytes)
            try:
                logs.append(_open(paths, pod, name, printer, stack, previous=previous))
            except NotFound as error:
                if not ignore_errors:
                    raise
                say_error(error)
        for log in logs:
            _print(log.printer.text(wanted.of(log.file)))
        if follow:
            _follow(paths, logs)


def chosen(cluster: Cluster, which: Which) -> list[tuple[Pod, str]]:
    """Return the containers whose logs are meant, and say on standard error which of several was taken.

    Raises:
        NetlabError: there is no such object, Pod or container.
    """
    if which.selector:
        query = parse_query(["pods"], namespace=which.namespace, selector=which.selector)
        pods = [pod for pod in query.find(cluster)[Pod.kind] if isinstance(pod, Pod)]
    else:
        pods = _pods(cluster, which)
    if which.all_containers:
        return [(pod, container.name) for pod in pods for container in pod.spec.all_containers]
    return [(pod, container_of(pod, which.container, _say)) for pod in pods]


def _pods(cluster: Cluster, which: Which) -> list[Pod]:
    try:
        item = find_object(cluster, which.words[0], which.namespace)
    except NotFound as error:
        message = f'error from server (NotFound): {error} in namespace "{which.namespace}"'
        raise NotFound(f"{message}; see `netlab get pods -n {which.namespace}`") from error
    if isinstance(item, Pod):
        return [item]
    several = pods_of(cluster, item)
    if which.all_pods and several:
        return several
    best = find_pod(cluster, which.words[0], which.namespace)
    if len(several) > 1:
        _say(f"Found {len(several)} pods, using pod/{best.metadata.name}")
    return [best]


def _open(paths: LabPaths, pod: Pod, name: str, printer: Printer, stack: contextlib.ExitStack, *, previous: bool) -> Log:
    """Open one log. Raises NotFound if the container has not run yet."""
    path = new_runtime(paths).log_path(pod.metadata.uid, name, previous=previous)
    try:
        file = stack.enter_context(path.open(errors="replace", newline="\n"))
    except FileNotFoundError:
        where = f'container "{name}" in pod "{pod.metadata.name}"'
        told = f"previous terminated {where} not found" if previous else f"{where} is waiting to start: {_reason(pod, name)}"
        cure = f"`netlab describe {resource(Pod.kind)}/{pod.metadata.name}` says why"
        raise NotFound(f"{told}; {cure}", origin="Error from server (BadRequest)") from None
    return Log(pod, name, path, file, printer)


def _reason(pod: Pod, name: str) -> str:
    reasons = (status.reason for status in pod.all_statuses if status.name == name)
    return next(reasons, "") or "ContainerCreating"


def _follow(paths: LabPaths, logs: Sequence[Log]) -> None:
    """Print what is written from now on, until all containers have ended."""
    runtime = new_runtime(paths)
    left = list(logs)
    with Watch({log.path.parent for log in logs}, modified=True) as watch:
        while left:
            seen = runtime.observe()
            running = {
                (uid, run.name) for uid, sandbox in seen.items() for run in sandbox.runs if run.state == "running"
            }  # before reading: what was written before the end is read
            for log in left:
                _print(log.printer.text(Wanted().of(log.file)))
            left = [log for log in left if (log.pod.metadata.uid, log.container) in running]
            if left:
                watch.wait(LOOK_AGAIN_S)


def _print(texts: Iterable[str]) -> None:
    sys.stdout.writelines(texts)
    sys.stdout.flush()


def _container(words: tuple[str, ...], container: str | None) -> str | None:
    inline = words[1] if len(words) > 1 else None
    if inline is not None and container is not None:
        raise usage("only one of -c or an inline [CONTAINER] arg is allowed", "leave one of them out")
    return inline or container


def _check(which: Which) -> None:
    """Raise ManifestError for flags and words that contradict one another."""
    if (not which.words and not which.selector) or len(which.words) > 2:
        raise usage(USAGE)
    if which.words and which.selector:
        raise usage("only a selector (-l) or a POD name is allowed", "leave one of them out")
    if which.all_containers and which.container:
        raise usage(f"--all-containers=true should not be specified with container name {which.container}", "leave one out")


def _since(ago_s: float | None, moment: str | None, now: float) -> float:
    """Return the moment from which on entries are wanted, in seconds since the epoch; 0: from the beginning."""
    if ago_s is not None and moment is not None:
        raise usage("at most one of `sinceTime` or `sinceSeconds` may be specified", "use --since or --since-time")
    if moment is None:
        return now - ago_s if ago_s else 0.0
    with contextlib.suppress(ValueError):
        if (found := datetime.fromisoformat(moment)).tzinfo is not None:
            return found.timestamp()
    raise usage(f'"{moment}" is no time in RFC 3339', "for example 2026-01-31T12:00:00Z")


def _say(message: str) -> None:
    click.echo(message, err=True)
