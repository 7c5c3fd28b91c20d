"""`netlab cp`: copy files and directories to and from a container.

    POD:PATH   NAMESPACE/POD:PATH   in a container        PATH   here; one with a colon is written ./a:b

Source: kubectl cp, as of v1.32 (forms, errors, where things go).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from netlab.cli.find import find_reachable
from netlab.cli.options import complete_files, example, lab_option, live_lab, namespace_option
from netlab.cli.reaching import container_for_command, run_in
from netlab.engine.view import read_lab
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.kernel.copying import fetch, send
from netlab.kernel.crun import Stdio


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A place: a path of a Pod (`namespace` is empty if it was not said), or with an empty `pod` a path here."""

    path: str
    pod: str = ""
    namespace: str = ""


@click.command(
    "cp",
    epilog=example(
        "echo hello > /tmp/greeting",
        "pod=$(netlab get pods -l tier=frontend -o name | head -n 1 | cut -d / -f 2)",
        "netlab cp guestbook.yaml $pod:/tmp/",
        "netlab cp $pod:/tmp/guestbook.yaml copy.yaml",
        "netlab cp default/$pod:/etc/iproute2 iproute2",
    ),
)
@click.option("-c", "--container", metavar="NAME", help="Which container of the Pod. [default: the first]")
@click.option("--no-preserve", is_flag=True, help="In the container, keep neither owner nor permissions.")
@namespace_option
@lab_option
@click.argument("words", nargs=-1, metavar="SOURCE DESTINATION", shell_complete=complete_files)
def command(*, container: str | None, no_preserve: bool, namespace: str | None, lab: str, words: tuple[str, ...]) -> None:
    """Copy files and directories to and from a container: PATH here, POD:PATH or NAMESPACE/POD:PATH there.

    To a container, what is copied goes into a destination that is a directory. From a container, a file does, and of a
    directory the content. The container needs a program `tar`.
    """
    if len(words) != 2:
        raise NetlabError("source and destination are required")
    source, destination = file_spec(words[0]), file_spec(words[1])
    check(source, destination)
    remote = source if source.pod else destination
    paths = live_lab(lab)
    scope = remote.namespace or namespace or "default"
    say = partial(click.echo, err=True)
    pod = find_reachable(read_lab(paths), f"pod/{remote.pod}", scope)
    name = container_for_command(pod, container, say)

    def run(args: Sequence[str], stdio: Stdio) -> int:
        return run_in(paths, pod, name, args, stdio=stdio)

    if source.pod:
        fetch(run, source.path, Path(destination.path), warn=say)
    else:
        send(run, Path(source.path), destination.path, preserve=not no_preserve, warn=say)


def file_spec(word: str) -> FileSpec:
    """Return the place that a word names. Raises NetlabError."""
    pod, colon, path = word.partition(":")
    if not colon or pod.startswith((".", "/")):
        return FileSpec(word)
    namespace, _, name = pod.rpartition("/")
    if not name or "/" in namespace or pod.startswith("/"):
        raise NetlabError("filespec must match the canonical format: [[namespace/]pod:]file/path")
    return FileSpec(path, name, namespace)


def check(source: FileSpec, destination: FileSpec) -> None:
    """Raise NetlabError unless one of the two is in a Pod and both have a path."""
    if source.pod and destination.pod:
        raise NetlabError("one of src or dest must be a local file specification")
    if not source.path or not destination.path:
        raise NetlabError("filepath can not be empty")
    if not source.pod and not destination.pod:
        raise NetlabError("one of src or dest must be a remote file specification")
