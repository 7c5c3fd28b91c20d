"""Options that several verbs share, and what every verb does first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from netlab.engine.agent import ensure_agent
from netlab.kernel.machine import require_root
from netlab.store.paths import LabPaths

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from netlab.engine.report import Report

F = TypeVar("F", bound=Callable[..., object])
DEFAULT_LAB = "lab"


def example(*lines: str) -> str:
    """Return the end of a help page: lines that can be typed as they stand in a lab with the guestbook."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def lab_option(function: F) -> F:
    """Add `--lab NAME`."""
    return click.option(
        "--lab",
        envvar="NETLAB_LAB",
        default=DEFAULT_LAB,
        show_default=True,
        metavar="NAME",
        help="Which lab.",
        shell_complete=complete_labs,
    )(function)


def namespace_option(function: F) -> F:
    """Add `-n NAMESPACE`; None if it is not given."""
    return click.option(
        "-n", "--namespace", metavar="NAME", help="Which Namespace. [default: default]", shell_complete=complete_namespaces
    )(function)


def kinds_argument(function: F) -> F:
    """Add the words that name kinds and objects."""
    return click.argument("words", nargs=-1, metavar="[KIND[,KIND] [NAME...] | KIND/NAME...]", shell_complete=complete_objects)(
        function
    )


def complete_objects(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the kinds, and behind a kind the names of its objects, that begin with what was typed."""
    from netlab.cli.completing import objects  # noqa: PLC0415 - only for completion

    return objects(ctx, incomplete)


def complete_namespaces(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the Namespaces that begin with what was typed."""
    from netlab.cli.completing import namespaces  # noqa: PLC0415 - only for completion

    return namespaces(ctx, incomplete)


def complete_targets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the Pods, Nodes and other machines that begin with what was typed."""
    from netlab.cli.completing import targets  # noqa: PLC0415 - only for completion

    return targets(ctx, incomplete)


def complete_pods(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the Pods that begin with what was typed."""
    from netlab.cli.completing import names_of  # noqa: PLC0415 - only for completion

    return names_of(ctx, "pods", incomplete)


def complete_nodes(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the Nodes that begin with what was typed."""
    from netlab.cli.completing import names_of  # noqa: PLC0415 - only for completion

    return names_of(ctx, "nodes", incomplete)


def complete_containers(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the containers of the Pod that was typed that begin with what was typed."""
    from netlab.cli.completing import containers  # noqa: PLC0415 - only for completion

    return containers(ctx, incomplete)


def complete_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell, which knows files best."""
    from netlab.cli.completing import files  # noqa: PLC0415 - only for completion

    return files(incomplete)


def complete_labs(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the labs that begin with what was typed."""
    from netlab.cli.completing import lab_names  # noqa: PLC0415 - only for completion

    return lab_names(incomplete)


def file_option(function: F) -> F:
    """Add `-f FILE`, any number of times, and `-R`."""
    recursive = click.option(
        "-R", "--recursive", is_flag=True, is_eager=True, expose_value=False, callback=_remember,
        help="Take also the folders inside those that -f names.",
    )  # fmt: skip
    files = click.option(
        "-f", "--filename", "files", multiple=True, metavar="FILE|DIR|-", callback=_with_folders_inside,
        shell_complete=complete_files,
        help="A manifest, a folder of them, or - for stdin.",
    )  # fmt: skip
    return files(recursive(function))


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    ctx.meta[f"netlab.{param.name}"] = value


def _with_folders_inside(ctx: click.Context, _: click.Parameter, files: tuple[str, ...]) -> tuple[str, ...]:
    """Return what `-f` names; with `-R` each folder is followed by those inside it that hold anything to read."""
    if not ctx.meta.get("netlab.recursive"):
        return files
    from netlab.manifest.load import folders_inside  # noqa: PLC0415 - only for -R

    return tuple(path for file in files for path in folders_inside(file))


def report_options(function: F) -> F:
    """Add `-v` and `--timings`: what a command that changes the lab did, and how long that took."""
    verbose = click.option(
        "-v", "--verbose", type=click.IntRange(0, 10), default=0, metavar="LEVEL",
        help="From 1 on, print every change as the ip or nft line that does it by hand.",
    )  # fmt: skip
    return verbose(click.option("--timings", is_flag=True, help="Print how long each part took.")(function))


def show_report(report: Report, *, verbose: int, timings: bool) -> None:
    """Print what was asked for of a report, to standard error."""
    for line in report.lines if verbose else ():
        click.echo(line, err=True)
    for part, seconds in report.timings.items() if timings else ():
        click.echo(f"  {part:<10} {seconds * 1000:7.1f} ms", err=True)


def lab_paths(lab: str) -> LabPaths:
    """Return the lab's paths. Raises HostUnready unless we are root, ManifestError for a bad name."""
    require_root()
    return LabPaths(lab)


def live_lab(lab: str) -> LabPaths:
    """Return the paths of a lab that is up, its agent started again if it had died."""
    paths = lab_paths(lab)
    if paths.store.exists() and paths.wake.is_dir():
        ensure_agent(paths)
    return paths


def say_waiting(pid: str) -> None:
    """Tell the user that another command or the agent is at work; only shown if it takes long enough to wonder."""
    click.echo(f"waiting for process {pid}, which is changing this lab", err=True)
