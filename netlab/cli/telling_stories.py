"""How a story is told: each line is shown as it is typed, run as a process of its own, and checked.

Nothing here can do what a user cannot. The packets that a step is about are captured into files by the same commands: a line
that is a `netlab trace` or `netlab capture` writes what it sees, and a capture may run beside any other line. What is claimed
about packets is held against these files, and not against anything that was printed.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import IO, Final

import click

from netlab.cli.options import lab_paths
from netlab.cli.progress import mark
from netlab.cli.saying import visible
from netlab.cli.stories import DEMOS, Step
from netlab.engine.view import read_lab
from netlab.errors import NetlabError
from netlab.frozen import dataclass

PATIENCE_S: Final = 20.0
READY: Final = "listening on "
INTO_FILE: Final[Mapping[str, tuple[str, ...]]] = {"trace": ("--pcapng",), "capture": ("--print", "-w")}
"""How a command is told to write the packets that it sees into a file too."""
INTO_PAGE: Final[Mapping[str, str]] = {"trace": "--html"}
"""How a command is told to make a page of what it sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a story is told: its name, the lab, and a directory for files of packets, and for pages if these are wanted."""

    name: str
    lab: str
    files: Path
    pause: bool = False
    pages: bool = False
    text: list[str] = field(default_factory=list)
    """What was shown, line by line, for who wants to keep it."""

    def show(self, text: str, *, bold: bool = False) -> None:
        """Print a text, and keep it."""
        self.text.append(click.unstyle(text))
        click.echo(click.style(text, bold=True) if bold else text)
        sys.stdout.flush()


def is_meant(stage: Stage, step: Step) -> bool:
    """Tell whether a step is told in this lab: some are true of one kind of rules only. Raises NotFound without a lab."""
    if not step.mode:
        return True
    spec = read_lab(lab_paths(stage.lab)).lab.spec
    return spec.proxy_mode(spec.nodes[0].name) == step.mode


def tell(stage: Stage, number: int, step: Step) -> None:
    """Say what comes, show the line, run it and show its output. Raises NetlabError unless it ends well."""
    if step.say:
        stage.show(f"\n{step.say}", bold=True)
    if stage.pause:
        click.prompt("[Enter]", default="", show_default=False, prompt_suffix="")
    words = filled(step.run, stage)
    beside, own = files = [stage.files / f"{number:02}-{what}.pcapng" for what in ("meanwhile", words[1])]
    for path in files:
        path.unlink(missing_ok=True)  # what an earlier telling has left is no evidence
    with capturing(stage, step.capture, beside):
        stage.show(f"$ {shlex.join(words)}")
        call = [*program(), words[1], *recording(stage, words[1], own), *words[2:]]
        done = perform(stage, call, step)
        said = heard(stage, done, step)
        if said:
            stage.show(said.rstrip("\n"))
    if trouble := step.trouble(done.returncode, said):
        waited = f" for {PATIENCE_S:.0f} s" if step.is_awaited else ""
        why = done.stderr.strip() or "`netlab events` may say why"
        raise NetlabError(f"{shlex.join(words)}: {trouble}{waited}; {why}")
    check(stage, step, [path for path in files if path.exists()])


def recording(stage: Stage, verb: str, file: Path) -> Iterator[str]:
    """Yield the options by which a command keeps what it sees, if it sees packets."""
    if verb in INTO_FILE:
        yield from (*INTO_FILE[verb], str(file))
    if verb in INTO_PAGE and stage.pages:
        yield from (INTO_PAGE[verb], str(file.with_suffix(".html")))


def check(stage: Stage, step: Step, files: Sequence[Path]) -> None:
    """Hold the claims of a step against what was captured, and show by which packets they hold. Raises NetlabError."""
    if not step.expect:
        return
    from netlab.packets.claims import evidence, judge  # noqa: PLC0415 - for stories about packets
    from netlab.packets.pcapng_reader import read_capture  # noqa: PLC0415

    try:
        seen = evidence(read_capture(path.read_bytes()) for path in files)
    except ValueError as error:
        raise NetlabError(f"{', '.join(map(str, files))}: {error}") from error
    for claim in step.expect:
        found = judge(claim, seen)
        stage.show(f" {mark(good=not found.trouble)} {claim.say}")
        if found.trouble:
            raise NetlabError(f"{claim.say}: {found.trouble}; the packet was to be {claim.packet!r}")
        if found.witnesses and claim.places is None:
            stage.show(f"     {visible(found.words)}")


@contextmanager
def capturing(stage: Stage, line: str, file: Path) -> Iterator[None]:
    """Capture while the block runs, from the moment on when all sockets are open; then show what was seen."""
    if not line:
        yield
        return
    words = ["netlab", "capture", *filled(line, stage)]
    stage.show(f"$ {shlex.join(words)} &")
    call = [*program(), "capture", *INTO_FILE["capture"], str(file), *words[2:]]
    env = variables(stage.lab)
    with subprocess.Popen(
        call, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        try:
            said = _until_ready(one.stderr)
            yield
        finally:
            one.send_signal(signal.SIGINT)
            lines, rest = one.communicate()
    if one.returncode:
        raise NetlabError(f"{shlex.join(words)}: exit code {one.returncode}; {(said + rest).strip()}")
    stage.show(lines.rstrip("\n") or "(no packets)")


def _until_ready(said: IO[str] | None) -> str:
    """Read what a capture says until it listens, or ends."""
    lines = []
    for line in said or ():
        lines.append(line)
        if READY in line:
            break
    return "".join(lines)


def perform(stage: Stage, words: Sequence[str], step: Step) -> subprocess.CompletedProcess[str]:
    """Run a command, again and again if something is awaited and not there yet; return the last run."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run(
            words, env=variables(stage.lab), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        is_told = not step.trouble(done.returncode, heard(stage, done, step))
        if is_told or not step.is_awaited or time.monotonic() > deadline:
            return done


def heard(stage: Stage, done: subprocess.CompletedProcess[str], step: Step) -> str:
    """Return what of a command's words belongs to the story: of one that is to fail, also why it does."""
    why = [line for line in done.stderr.splitlines(keepends=True) if str(stage.files) not in line] if step.exit else []
    return done.stdout + "".join(why)


def filled(line: str, stage: Stage) -> list[str]:
    """Return the words of a line, with {here} and {node} in their place. Raises NotFound if the lab is needed and not up."""
    here = os.path.relpath(DEMOS / stage.name)
    values = {"{here}": here if not here.startswith("..") else str(DEMOS / stage.name)}
    if "{node}" in line:
        values["{node}"] = read_lab(lab_paths(stage.lab)).nodes[0].internal_ip
    return [_replaced(word, values) for word in shlex.split(line)]


def _replaced(word: str, values: Mapping[str, str]) -> str:
    for gap, value in values.items():
        word = word.replace(gap, value)
    return word


def program() -> list[str]:
    """Return how this netlab is called, whatever stands in the current directory."""
    return [sys.executable, "-P", "-m", "netlab"]


def variables(lab: str) -> dict[str, str]:
    """Return the environment of the steps: ours, with the lab in it."""
    return {**os.environ, "NETLAB_LAB": lab}
