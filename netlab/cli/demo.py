"""`netlab demo`: a story told with netlab's own commands, each shown as it is typed, run, and checked.

A story is `demos/NAME.yaml`: a title, steps (`say`, `run`, and `until`, a text that must come in the output) and the lines
worth typing next. Its manifests are in the folder beside it. Steps run as processes of their own, as if the user had typed
them: nothing here can do what he cannot.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from netlab.cli.options import DEFAULT_LAB, example, lab_option, lab_paths
from netlab.engine.view import read_lab
from netlab.errors import NetlabError, NotFound
from netlab.frozen import dataclass

DEMOS = Path(__file__).resolve().parents[1] / "demos"
PATIENCE_S = 20.0
NAME = re.compile(r"[a-z0-9][-a-z0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line that is typed; with `until` it is repeated until its output holds that text."""

    run: str
    say: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a demo tells; `next` has pairs of a line to type and what it shows."""

    title: str
    steps: tuple[Step, ...]
    next: tuple[tuple[str, str], ...]


def names() -> list[str]:
    """Return the demos there are, sorted."""
    return sorted(path.stem for path in DEMOS.glob("*.yaml"))


def read(name: str) -> Story:
    """Return a demo's story. Raises NotFound if there is none of this name."""
    import yaml  # noqa: PLC0415 - slow to import, and only needed here

    if not NAME.fullmatch(name) or name not in names():
        raise NotFound(f"there is no demo {name!r}; `netlab demo` lists them")
    plain = yaml.safe_load((DEMOS / f"{name}.yaml").read_text())
    steps = tuple(Step(**step) for step in plain["steps"])
    return Story(title=plain["title"], steps=steps, next=tuple((line, why) for line, why in plain["next"]))


@click.command("demo", epilog=example("netlab demo", "netlab demo guestbook"))
@click.argument(
    "name",
    required=False,
    metavar="[NAME]",
    shell_complete=lambda _, __, typed: [name for name in names() if name.startswith(typed)],
)
@click.option("--rm", "remove", is_flag=True, help="Remove the lab at the end, if the demo made it.")
@click.option("--pause", is_flag=True, help="Wait for Enter before each step.")
@lab_option
def command(*, name: str | None, remove: bool, pause: bool, lab: str) -> None:
    """Tell a story with commands that you could type yourself, and check that each does what is said.

    Without a NAME, list the stories. The lab is made if it is not up, and stays.
    """
    if name is None:
        click.echo("\n".join(f"{each}   {read(each).title}" for each in names()))
        return
    story, paths = read(name), lab_paths(lab)
    ours = not paths.store.exists()
    click.echo(story.title)
    if lab != DEFAULT_LAB:
        click.echo(f"\n$ export NETLAB_LAB={lab}")
    begun = time.perf_counter()
    try:
        for step in story.steps:
            tell(step, name, lab, pause=pause)
        click.echo(f"\n{len(story.steps)} steps in {time.perf_counter() - begun:.1f} s, and each did what it should.")
    finally:
        if remove and ours and paths.store.exists():
            click.echo("\n$ netlab down")
            subprocess.run([*program(), "down"], env=variables(lab), check=False)
    if not (remove and ours):
        show_next(story, lab)


def show_next(story: Story, lab: str) -> None:
    """Say what is worth typing now, in the lab of the demo."""
    lines = [("export NETLAB_LAB=" + lab, "the lab of this demo"), *story.next] if lab != DEFAULT_LAB else story.next
    width = max(len(line) for line, _ in lines)
    click.echo("\nNext:\n" + "\n".join(f"  {line:<{width}}   {why}" for line, why in lines))


def tell(step: Step, name: str, lab: str, *, pause: bool) -> None:
    """Say what comes, show the line, run it and show its output. Raises NetlabError unless it ends well."""
    words = filled(step.run, name, lab)
    if step.say:
        click.echo("\n" + click.style(step.say, bold=True))
    if pause:
        click.prompt("[Enter]", default="", show_default=False, prompt_suffix="")
    click.echo(f"$ {shlex.join(words)}")
    sys.stdout.flush()
    done = perform([*program(), *words[1:]], variables(lab), step.until)
    click.echo(done.stdout, nl=False)
    if done.stdout and not done.stdout.endswith("\n"):
        click.echo()
    if done.returncode:
        raise NetlabError(f"{shlex.join(words)}: exit code {done.returncode}; {done.stderr.strip() or 'it said nothing'}")
    if step.until not in done.stdout:
        raise NetlabError(
            f"{shlex.join(words)}: no {step.until!r} in its output for {PATIENCE_S:.0f} s; `netlab events` may say why"
        )


def perform(words: Sequence[str], env: Mapping[str, str], until: str) -> subprocess.CompletedProcess[str]:
    """Run a command, again and again if its output has to hold `until` and does not yet; return the last run."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if not until or (not done.returncode and until in done.stdout) or time.monotonic() > deadline:
            return done


def filled(line: str, name: str, lab: str) -> list[str]:
    """Return the words of a line, with {here} and {node} in their place. Raises NotFound if the lab is needed and not up."""
    here = os.path.relpath(DEMOS / name)
    values = {"{here}": here if not here.startswith("..") else str(DEMOS / name)}
    if "{node}" in line:
        values["{node}"] = read_lab(lab_paths(lab)).nodes[0].internal_ip
    return [_replaced(word, values) for word in shlex.split(line)]


def _replaced(word: str, values: Mapping[str, str]) -> str:
    for mark, value in values.items():
        word = word.replace(mark, value)
    return word


def program() -> list[str]:
    """Return how this netlab is called, whatever stands in the current directory."""
    return [sys.executable, "-P", "-m", "netlab"]


def variables(lab: str) -> dict[str, str]:
    """Return the environment of the steps: ours, with the lab in it."""
    return {**os.environ, "NETLAB_LAB": lab}
