"""`netlab demo`: a story told with netlab's own commands, each shown as it is typed, run, and checked.

Many stories are about packets: they are captured where the story says, and what it claims is held against the capture.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from netlab.cli.options import DEFAULT_LAB, example, lab_option, lab_paths
from netlab.cli.stories import Story, names, read
from netlab.cli.telling_stories import Stage, is_meant, program, tell, variables
from netlab.errors import NetlabError

TEXT = "story.txt"


@click.command("demo", epilog=example("netlab demo", "netlab demo guestbook", "netlab demo pod-to-pod --save pod-to-pod"))
@click.argument(
    "name",
    required=False,
    metavar="[NAME]",
    shell_complete=lambda _, __, typed: [name for name in names() if name.startswith(typed)],
)
@click.option("--rm", "remove", is_flag=True, help="Remove the lab at the end, if the demo made it.")
@click.option("--pause", is_flag=True, help="Wait for Enter before each step.")
@click.option("--save", metavar="DIR", help="Keep what was captured (pcapng), a page for each trace, and the text.")
@lab_option
@click.pass_context
def command(ctx: click.Context, *, name: str | None, remove: bool, pause: bool, save: str | None, lab: str) -> None:
    """Tell a story with commands that you could type yourself, and check that each does what is said.

    Without a NAME, list the stories. The lab is made if it is not up, and stays.
    """
    if name is None:
        width = max(map(len, names()))
        click.echo("\n".join(f"{each:<{width}}   {read(each).title}" for each in names()))
        return
    story = read(name)
    if story.lab and ctx.get_parameter_source("lab") is click.core.ParameterSource.DEFAULT:
        lab = story.lab
    paths = lab_paths(lab)
    ours = not paths.store.exists()
    with directory(save) as files:
        stage = Stage(name=name, lab=lab, files=files, pause=pause, pages=bool(save))
        try:
            tell_all(stage, story)
        finally:
            if save:
                keep(files / TEXT, stage.text)
            if remove and ours and paths.store.exists():
                click.echo("\n$ netlab down")
                subprocess.run([*program(), "down"], env=variables(lab), check=False)
    if not (remove and ours):
        show_next(story, lab)


def tell_all(stage: Stage, story: Story) -> None:
    """Tell a story to its end. Raises NetlabError at the first step that does not do what it should."""
    begun = time.perf_counter()
    stage.show(story.title)
    if stage.lab != DEFAULT_LAB:
        stage.show(f"\n$ export NETLAB_LAB={stage.lab}")
    told = 0
    for step in story.steps:
        if is_meant(stage, step):
            told += 1
            tell(stage, told, step)
    stage.show(f"\n{told} steps in {time.perf_counter() - begun:.1f} s, and each did what it should.")


@contextmanager
def directory(save: str | None) -> Iterator[Path]:
    """Yield where files of packets are put: what the user named, or what is gone afterwards. Raises NetlabError."""
    if save is None:
        with tempfile.TemporaryDirectory(prefix="netlab-demo-") as path:
            yield Path(path)
        return
    with said_plainly(save):
        Path(save).mkdir(parents=True, exist_ok=True)
    yield Path(save)


def keep(path: Path, text: Sequence[str]) -> None:
    """Write what was shown. Raises NetlabError."""
    with said_plainly(str(path)):
        path.write_text("\n".join([*text, ""]))


@contextmanager
def said_plainly(path: str) -> Iterator[None]:
    """Raise NetlabError for what the block cannot do to a file."""
    try:
        yield
    except OSError as error:
        raise NetlabError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def show_next(story: Story, lab: str) -> None:
    """Say what is worth typing now, in the lab of the demo."""
    lines = [("export NETLAB_LAB=" + lab, "the lab of this demo"), *story.next] if lab != DEFAULT_LAB else story.next
    width = max(len(line) for line, _ in lines)
    click.echo("\nNext:\n" + "\n".join(f"  {line:<{width}}   {why}" for line, why in lines))
