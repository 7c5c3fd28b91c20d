"""`netlab logs`: what containers printed, of one Pod or of many, and what they go on printing.

Source: kubectl logs (v1.32), whose words the errors are.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import click

from netlab.cli.durations import DurationType
from netlab.cli.find import find_object, find_pod, pods_of, require_reachable
from netlab.cli.log_files import Log, follow_logs, open_log, show, show_rest
from netlab.cli.log_lines import Printer, Wanted
from netlab.cli.options import complete_containers, complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.query import parse_query
from netlab.cli.reaching import container_of
from netlab.cli.saying import say_error
from netlab.cli.words import usage
from netlab.engine.view import read_lab
from netlab.errors import NetlabError, NotFound
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.outline import outline_of
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths

TAIL_OF_MANY = 10
SEE_HELP = "See 'netlab logs -h' for help and examples"
NOTHING_NAMED = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    f"POD or TYPE/NAME is a required argument for the logs command\n{SEE_HELP}"
)

Container = tuple[Pod, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Whose logs: the words of the command line and the flags that choose."""

    words: tuple[str, ...]
    namespace: str
    selector: str
    container: str | None
    all_containers: bool
    all_pods: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """Which run's log is read, how it is printed, and whether it matters if there is none."""

    prefix: bool
    timestamps: bool
    limit_bytes: int
    previous: bool
    ignore_errors: bool

    def printer(self, pod: Pod, container: str) -> Printer:
        """Return what prints the log of one container."""
        head = f"[pod/{pod.metadata.name}/{container}] " if self.prefix else ""
        return Printer(prefix=head, timestamps=self.timestamps, left=self.limit_bytes or None)


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
@click.option(
    "-c", "--container", metavar="NAME", shell_complete=complete_containers,
    help="Which container; the first if nothing else says.",
)  # fmt: skip
@click.option("--all-containers", is_flag=True, help="All containers of the Pod.")
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Of all Pods with these labels; --tail is 10 then.")
@click.option("--all-pods", is_flag=True, help="Of all Pods of a Deployment or a Service; implies --prefix.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the present one.")
@click.option("-f", "--follow", is_flag=True, help="Go on printing until the containers have ended.")
@click.option("--tail", type=int, metavar="N", help="Only the last N lines; -1: all.")
@click.option("--since", type=DurationType(), default="0", metavar="TIME", help="Only what is not older: 5s, 2m, 3h.")
@click.option("--since-time", default="", metavar="TIME", help="Only what was printed since this moment (RFC 3339).")
@click.option("--limit-bytes", type=int, default=0, metavar="N", help="At most so many bytes of each container; 0: all.")
@click.option("--timestamps", is_flag=True, help="The time before each line, in nanoseconds.")
@click.option("--prefix", is_flag=True, help="Pod and container before each line.")
@click.option("--max-log-requests", type=int, default=5, show_default=True, metavar="N", help="So many logs at most with -f.")
@click.option("--ignore-errors", is_flag=True, help="Go on with the next container if one has no log.")
@namespace_option
@lab_option
def command(
    *, words: tuple[str, ...], container: str | None, all_containers: bool, selector: str, all_pods: bool, previous: bool,
    follow: bool, tail: int | None, since: float, since_time: str, limit_bytes: int, timestamps: bool, prefix: bool,
    max_log_requests: int, ignore_errors: bool, namespace: str | None, lab: str,
) -> None:  # fmt: skip
    """Print the output of containers."""
    which = Which(
        words=words, namespace=namespace or "default", selector=selector, container=_container(words, container),
        all_containers=all_containers, all_pods=all_pods,
    )  # fmt: skip
    _check_words(which)
    _check_numbers({"--limit-bytes": limit_bytes, "--since": since, "--tail": -1 if tail is None else tail})
    wanted = Wanted(tail=tail_of(tail, selector), since=_since(since, since_time, time.time()))
    how = How(
        prefix=prefix or all_pods, timestamps=timestamps, limit_bytes=limit_bytes, previous=previous,
        ignore_errors=ignore_errors,
    )  # fmt: skip
    paths = live_lab(lab)
    found = chosen(read_lab(paths), which)
    if not found:
        _say(f"No resources found in {which.namespace} namespace.")
    elif follow:
        _follow(paths, found, how, wanted, at_most=max_log_requests)
    else:
        for log in _opened(paths, found, how):
            show(log, wanted)
            show_rest(log)


def chosen(cluster: Cluster, which: Which) -> list[Container]:
    """Return the containers whose logs are meant, and say on standard error which of several was taken.

    Raises:
        NetlabError: there is no such object, Pod or container.
    """
    if which.selector:
        query = parse_query(["pods"], namespace=which.namespace, selector=which.selector)
        pods = [pod for pod in query.find(cluster)[Pod.kind] if isinstance(pod, Pod)]
    else:
        pods = _pods(cluster, which)
    for pod in pods:
        require_reachable(cluster, pod)
    if which.all_containers:
        return [(pod, container.name) for pod in pods for container in pod.spec.all_containers]
    return [(pod, container_of(outline_of(pod), which.container, _say)) for pod in pods]


def tail_of(given: int | None, selector: str) -> int | None:
    """Return how many lines are wanted; None: all."""
    if given is None:
        return TAIL_OF_MANY if selector else None
    return None if given < 0 else given


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


def _follow(paths: LabPaths, found: Sequence[Container], how: How, wanted: Wanted, *, at_most: int) -> None:
    if len(found) > max(at_most, 1):
        raise NetlabError(
            f"you are attempting to follow {len(found)} log streams, but maximum allowed concurrency is {at_most},"
            " use --max-log-requests to increase the limit"
        )
    with contextlib.ExitStack() as stack:
        logs = list(_opened(paths, found, how, stack))
        for log in logs:
            show(log, wanted)
        follow_logs(paths, logs, replace(wanted, tail=None))


def _opened(paths: LabPaths, found: Sequence[Container], how: How, keep: contextlib.ExitStack | None = None) -> Iterator[Log]:
    """Yield one open log after the other. Each is closed when the next one is opened, unless `keep` is to close them all."""
    for pod, name in found:
        with contextlib.ExitStack() as own:
            try:
                yield (keep or own).enter_context(open_log(paths, pod, name, how.printer(pod, name), previous=how.previous))
            except NotFound as error:
                if not how.ignore_errors:
                    raise
                say_error(error)


def _container(words: tuple[str, ...], container: str | None) -> str | None:
    inline = words[1] if len(words) > 1 else None
    if inline is not None and container is not None:
        raise usage("only one of -c or an inline [CONTAINER] arg is allowed", "leave one of them out")
    return inline or container


def _check_words(which: Which) -> None:
    """Raise ManifestError for words that name nothing, or not together with the flags."""
    if (not which.words and not which.selector) or len(which.words) > 2:
        raise usage(NOTHING_NAMED)
    if which.words and which.selector:
        raise usage(f"only a selector (-l) or a POD name is allowed\n{SEE_HELP}")
    if which.all_containers and which.container:
        raise usage(f"--all-containers=true should not be specified with container name {which.container}", "leave one out")


def _check_numbers(given: dict[str, float]) -> None:
    """Raise ManifestError for what is too small."""
    for flag, number in given.items():
        least, words = (-1, "greater than or equal to -1") if flag == "--tail" else (0, "greater than 0")
        if number < least:
            raise usage(f"{flag} must be {words}")


def _since(ago_s: float, moment: str, now: float) -> float:
    """Return the moment from which on entries are wanted, in seconds since the epoch; 0: from the beginning."""
    if ago_s and moment:
        raise usage("at most one of `sinceTime` or `sinceSeconds` may be specified", "use --since or --since-time")
    if not moment:
        return now - ago_s if ago_s else 0.0
    with contextlib.suppress(ValueError):
        if (found := datetime.fromisoformat(moment)).tzinfo is not None:
            return found.timestamp()
    raise usage(f'"{moment}" is no time in RFC 3339', "for example 2026-01-31T12:00:00Z")


def _say(message: str) -> None:
    click.echo(message, err=True)
