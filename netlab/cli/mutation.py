"""What all verbs that change objects share: their options, and the way from a wish to the lab and to the printed line.

    objects as wished  --verb-->  new objects  --engine.apply-->  stored  --reconcile-->  real

`--dry-run` goes the same way under the same lock and takes all back before anything is done; a wish that would be
refused is refused then too. (In kubectl `client` and `server` differ by who checks; here only the words differ.)
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple, TypeVar, cast

import click

from netlab.cli.options import lab_option, live_lab, namespace_option, report_options, say_waiting, show_report
from netlab.cli.output import Output, OutputType, printed
from netlab.cli.query import Selection, parse_query, selected
from netlab.cli.saying import say, say_error
from netlab.cli.words import nothing_named, subject, usage
from netlab.engine.agent import agent_pid, wake_agent
from netlab.engine.apply import Applied, apply
from netlab.engine.reconcile import reconcile
from netlab.engine.report import Report
from netlab.engine.session import Session, session
from netlab.errors import NotFound
from netlab.frozen import dataclass
from netlab.manifest.load import Written
from netlab.model.lab import Cluster, KubernetesObject
from netlab.store.paths import LabPaths

F = TypeVar("F", bound=Callable[..., object])
PRINTABLE = ("json", "yaml", "name", "jsonpath", "jsonpath-file", "custom-columns")
DRY_RUN_WORDS = {"client": " (dry run)", "server": " (server dry run)"}
DRY_RUNS = ("none", "server", "client")


class Wish(NamedTuple):
    """An object as it is to become, and the word for what was done to it; None for created, configured or unchanged.

    `note` is a line that stands before that.
    """

    item: KubernetesObject | Written[KubernetesObject]
    done: str | None = None
    note: str = ""


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
        "--dry-run", default="none", show_default=True, metavar="[none|server|client]", callback=_checked_dry_run,
        help="Check and say what would be done, and change nothing.",
    )(function)  # fmt: skip


def _checked_dry_run(_: click.Context, __: click.Parameter, value: str) -> str:
    if value not in DRY_RUNS:
        raise usage(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return value


def output_option(function: F) -> F:
    """Add `-o`: print the object instead of a line about it."""
    return click.option("-o", "--output", type=OutputType(PRINTABLE), help="Print the objects instead.")(function)


def targets(
    cluster: Cluster, words: Sequence[str], files: Sequence[str], namespace: str | None, selection: Selection
) -> Iterator[KubernetesObject | NotFound]:
    """Yield the objects that are named, chosen or in manifests, then an error for each that does not exist, as kubectl does.

    Raises ManifestError if nothing is named, or it cannot be understood.
    """
    if not words and not files:
        raise nothing_named()
    if files or (len(words) == 1 and "/" not in words[0]):
        yield from selected(cluster, words, files, namespace, selection)
        return
    if selection.every:
        raise usage("name cannot be provided when a selector is specified", "use either names or --all")
    query = parse_query(
        words, namespace=namespace, everywhere=selection.everywhere, selector=selection.selector, fields=selection.fields
    )
    for items in query.find(cluster).values():
        yield from items
    yield from query.missing(cluster)


def mutate(options: Mutation, make: Callable[[Cluster], Iterable[Wish | NotFound]] | Sequence[Wish]) -> int:
    """Change objects, print what became of each, and return the exit code: 3 if Linux refused something, 1 if one is missing.

    Args:
        options: the shared options.
        make: returns the new objects, and an error for each that does not exist, which is printed when the others are changed;
            it is called under the lab's lock with all objects as they are wished. Or wishes that follow from none.

    Raises:
        NetlabError: of `make`, of the store, or of reconcile.
    """
    begun = time.perf_counter()
    paths = live_lab(options.lab)
    with session(paths, waiting=say_waiting) as opened:
        made = list(make(opened.store.cluster()) if callable(make) else make)
        wishes = [wish for wish in made if isinstance(wish, Wish)]
        filled = options.output is not None and options.dry_run != "client"  # a client knows of no address
        items = [wish.item for wish in wishes]
        verb, only_verdicts = click.get_current_context().command_path, options.output is None
        applied = apply(opened, items, verb=verb, dry_run=options.is_dry, filled=filled, only_verdicts=only_verdicts)
        try:
            show_applied(options, applied, wishes)
        finally:  # what was wished is done, also if nobody reads about it
            if options.is_dry or is_settled(opened, paths):
                report = Report()
            else:
                report = reconcile(opened)
                wake_agent(paths)  # though nothing may have changed in Linux: it answers load balancers by what is wished
    report.timings["total"] = time.perf_counter() - begun
    show_report(report, verbose=options.verbose, timings=options.timings)
    missing = [error for error in made if isinstance(error, NotFound)]
    for error in missing:
        say_error(error)
    for problem in report.problems:
        say(f"error: {problem}")
    return 3 if report.problems else 1 if missing else 0


def show_applied(options: Mutation, done: Sequence[Applied], wishes: Sequence[Wish]) -> None:
    """Print a line for each object, or the objects themselves with `-o`."""
    if options.output is not None and done:
        whole = options.dry_run != "client"  # nobody fills in defaults then
        click.echo(printed([item.item for item in done], options.output, single=len(done) == 1, whole=whole), nl=False)
        return
    lines = []
    for applied, wish in zip(done, wishes, strict=True):
        lines += [wish.note] if wish.note else []
        lines.append(f"{subject(applied.key)} {wish.done or _verdict(options, applied)}{options.suffix}")
    click.echo("".join(f"{line}\n" for line in lines), nl=False)  # ten thousand at once


def _verdict(options: Mutation, applied: Applied) -> str:
    """Like kubectl, a dry run of the client does not look whether there is a difference."""
    return "configured" if options.dry_run == "client" and applied.verdict == "unchanged" else applied.verdict


def show_generated(options: Mutation, items: Sequence[KubernetesObject], word: str = "created") -> None:
    """Print objects as they were made from words: `--dry-run=client`. Their Namespace is printed if it was named."""
    if options.namespace is None:
        items = [replace(item, metadata=replace(item.metadata, namespace="")) for item in items]
    show_applied(options, [Applied(item.key, "created", item) for item in items], [Wish(item, word) for item in items])


def is_settled(opened: Session, paths: LabPaths) -> bool:
    """Tell whether nothing was wished since the lab was last seen as wished, and an agent keeps it so."""
    return opened.store.fact("synced") == str(opened.store.revision) and agent_pid(paths) is not None
