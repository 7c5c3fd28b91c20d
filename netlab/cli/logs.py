"""`netlab logs`: what a container printed. The format on disk is CRI's: time, stream, P(artial) or F(ull), text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from netlab.cli.find import container_of, find_pod
from netlab.cli.options import example, lab_option, live_lab, namespace_option
from netlab.engine.session import new_runtime
from netlab.engine.view import read_lab
from netlab.errors import NotFound
from netlab.kernel.inotify import Watch
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths

LOOK_AGAIN_S = 1.0


@click.command(
    "logs",
    epilog=example(
        "netlab logs deploy/frontend --tail=5",
        "netlab logs svc/redis-master --timestamps",
        "netlab logs -f deploy/redis-master",
    ),
)
@click.argument("pod_name", metavar="POD")
@click.option("-c", "--container", metavar="NAME", help="Which container; needed if the Pod has several.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the present one.")
@click.option("-f", "--follow", is_flag=True, help="Go on printing until the container has ended.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("--timestamps", is_flag=True, help="The time before each line.")
@namespace_option
@lab_option
def command(
    *,
    pod_name: str,
    container: str | None,
    previous: bool,
    follow: bool,
    tail: int | None,
    timestamps: bool,
    namespace: str | None,
    lab: str,
) -> None:
    """Print the output of a container."""
    paths = live_lab(lab)
    pod = find_pod(read_lab(paths), pod_name, namespace or "default")
    name = container_of(pod, container)
    path = new_runtime(paths).log_path(pod.metadata.uid, name, previous=previous)
    if not path.exists():
        which = "previous terminated container" if previous else "container"
        raise NotFound(f"{which} {name!r} in pod {pod.metadata.name!r} not found: it has not run yet")
    lines = follow_lines(path, paths, pod, name) if follow else _read(path)
    kept = list(lines)[-tail:] if tail and not follow else lines
    for line in kept if tail != 0 or follow else ():
        sys.stdout.write(text_of(line, timestamps=timestamps))
        if follow:
            sys.stdout.flush()


def text_of(line: str, *, timestamps: bool) -> str:
    """Return what the container wrote, from one line of CRI's format; a partial line has no newline."""
    parts = line.rstrip("\n").split(" ", 3)
    if len(parts) < 4:
        return line
    stamp, _, tag, text = parts
    return f"{stamp + ' ' if timestamps else ''}{text}{'' if tag.startswith('P') else chr(10)}"


def _read(path: Path) -> Iterator[str]:
    with path.open(errors="replace", newline="\n") as file:
        yield from file


def follow_lines(path: Path, paths: LabPaths, pod: Pod, container: str) -> Iterator[str]:
    """Yield the lines of a log as they are written, until the container has ended."""
    runtime = new_runtime(paths)
    with path.open(errors="replace", newline="\n") as file, Watch([path.parent], modified=True) as watch:
        while True:
            seen = runtime.observe().get(pod.metadata.uid)
            runs = {run.name: run for run in seen.runs} if seen else {}
            ended = container not in runs or runs[container].state != "running"
            yield from file
            if ended:
                return
            watch.wait(LOOK_AGAIN_S)
