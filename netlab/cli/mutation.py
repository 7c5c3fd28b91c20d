"""What all verbs that change objects share: their options, and the way from a wish to the lab and to the printed line.

    objects as wished  --verb-->  new objects  --engine.apply-->  stored  --reconcile-->  real

`--dry-run` goes the same way under the same lock and takes all back before anything is done; a wish that would be
refused is refused then too. (In kubectl `client` and `server` differ by who checks; here only the words differ.)
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeVar, cast

import click

from netlab.cli.options import lab_option, live_lab, namespace_option, report_options, say_waiting, show_report
from netlab.cli.output import Output, OutputType, printed
from netlab.cli.words import subject
from netlab.engine.agent import agent_pid, wake_agent
from netlab.engine.apply import Applied, apply
from netlab.engine.reconcile import reconcile
from netlab.engine.report import Report
from netlab.engine.session import Session, session
from netlab.model.lab import Cluster, KubernetesObject
from netlab.store.paths import LabPaths

F = TypeVar("F", bound=Callable[..., object])
PRINTABLE = ("json", "yaml", "name", "jsonpath", "jsonpath-file", "custom-columns")
DRY_RUN_WORDS = {"client": " (dry run)", "server": " (server dry run)"}


class Wish(NamedTuple):
    """An object as it is to become, and the word for what was done to it; None for created, configured or unchanged."""

    item: KubernetesObject
    done: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """The shared options of one call."""

    lab: str
    namespace: str | None
    dry_run: str
    output: Output | None
    verbose: int
    timings: bool

    @property
    def is_dry(self) -> bool:
        """Tell whether nothing is to be changed."""
        return self.dry_run != "none"

    @property
    def suffix(self) -> str:
        """What stands behind a printed line of a dry run."""
        return DRY_RUN_WORDS.get(self.dry_run, "")


def mutation_options(function: F) -> F:
    """Add the options of a Mutation, which the function gets as its argument `change`."""

    @functools.wraps(function)
    def with_change(*args: Any, **given: Any) -> object:
        change = Mutation(**{field.name: given.pop(field.name) for field in fields(Mutation)})
        return function(*args, change=change, **given)

    for option in (lab_option, report_options, output_option, dry_run_option, namespace_option):
        with_change = option(with_change)
    return cast("F", with_change)


def dry_run_option(function: F) -> F:
    """Add `--dry-run`."""
    return click.option(
        "--dry-run", type=click.Choice(["none", "client", "server"]), default="none", show_default=True,
        help="Check and say what would be done, and change nothing.",
    )(function)  # fmt: skip


def output_option(function: F) -> F:
    """Add `-o`: print the object instead of a line about it."""
    return click.option("-o", "--output", type=OutputType(PRINTABLE), help="Print the objects instead.")(function)


def mutate(options: Mutation, make: Callable[[Cluster], Iterable[Wish]]) -> int:
    """Change objects, print what became of each, and return the exit code: 3 if Linux refused something, else 0.

    Args:
        options: the shared options.
        make: returns the new objects; it is called under the lab's lock with all objects as they are wished.

    Raises:
        NetlabError: of `make`, of the store, or of reconcile.
    """
    begun = time.perf_counter()
    paths = live_lab(options.lab)
    with session(paths, waiting=say_waiting) as opened:
        wishes = list(make(opened.store.cluster()))
        done = apply(opened, [wish.item for wish in wishes], dry_run=options.is_dry)
        show_applied(options, done, [wish.done for wish in wishes])
        report = Report() if options.is_dry or is_settled(opened, paths) else reconcile(opened)
    if report.changes:
        wake_agent(paths)
    report.timings["total"] = time.perf_counter() - begun
    show_report(report, verbose=options.verbose, timings=options.timings)
    for problem in report.problems:
        click.echo(f"error: {problem}", err=True)
    return 3 if report.problems else 0


def show_applied(options: Mutation, done: Sequence[Applied], words: Sequence[str | None]) -> None:
    """Print a line for each object, or the objects themselves with `-o`."""
    if options.output is not None:
        click.echo(printed([item.item for item in done], options.output, single=len(done) == 1), nl=False)
        return
    for applied, word in zip(done, words, strict=True):
        click.echo(f"{subject(applied.key)} {word or applied.verdict}{options.suffix}")


def show_generated(options: Mutation, items: Sequence[KubernetesObject]) -> None:
    """Print objects that were made from words alone, without a lab: `--dry-run=client`."""
    show_applied(options, [Applied(item.key, "created", item) for item in items], [None] * len(items))


def is_settled(opened: Session, paths: LabPaths) -> bool:
    """Tell whether nothing was wished since the lab was last seen as wished, and an agent keeps it so."""
    return opened.store.fact("synced") == str(opened.store.revision) and agent_pid(paths) is not None
