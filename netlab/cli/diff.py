"""`netlab diff`: what `apply` would change, as a unified diff. Exit code 0: nothing, 1: something, 2 and more: an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import click

from netlab.cli.apply import read_written
from netlab.cli.options import example, file_option, lab_option, live_lab, namespace_option, say_waiting
from netlab.cli.text import as_yaml, plain
from netlab.engine.apply import apply
from netlab.engine.session import session
from netlab.errors import NetlabError
from netlab.model.config import Secret
from netlab.model.lab import KubernetesObject
from netlab.model.meta import Key

COLOURS = {"+": "green", "-": "red", "@": "cyan"}
ERROR = 2
STARS = "***"


class Pair(NamedTuple):
    """One object before and after; None: it is new."""

    before: KubernetesObject | None
    after: KubernetesObject


@click.command("diff", epilog=example("netlab diff -f - < <(sed 's/replicas: 3/replicas: 5/' guestbook.yaml)"))
@file_option
@namespace_option
@lab_option
@click.pass_context
def command(ctx: click.Context, *, files: tuple[str, ...], namespace: str | None, lab: str) -> None:
    """Show what apply would change, and change nothing."""
    try:
        wishes = read_written(files, namespace)
        with session(live_lab(lab), waiting=say_waiting) as opened:
            known = opened.store.cluster().objects
            pairs = [Pair(known.get(done.key), done.item) for done in apply(opened, wishes, dry_run=True)]
    except NetlabError as error:
        error.exit_code = max(error.exit_code, ERROR)  # 1 means that there is a difference
        raise
    pairs.sort(key=lambda pair: _file(pair.after))  # as diff(1) compares two folders, which is what kubectl has it do
    lines = [line for pair in pairs for line in differences(pair)]
    for line in lines:
        click.secho(line, fg=None if line.startswith(("+++", "---", "diff")) else COLOURS.get(line[:1]))
    ctx.exit(1 if lines else 0)


def differences(pair: Pair) -> Iterator[str]:
    """Yield the lines of the unified diff of one object, none if it stays as it is."""
    name = _file(pair.after)
    shown = masked(pair)
    before = as_yaml(plain([shown.before], single=True)).splitlines() if shown.before else []
    after = as_yaml(plain([shown.after], single=True)).splitlines()
    found = list(difflib.unified_diff(before, after, f"LIVE/{name}", f"MERGED/{name}", lineterm=""))
    if found:
        yield f"diff -u -N LIVE/{name} MERGED/{name}"
        yield from found


def masked(pair: Pair) -> Pair:
    """Return the pair with stars for the values of a Secret; whether one changes can be told."""
    before, after = pair
    if not isinstance(after, Secret):
        return pair
    known = before.data if isinstance(before, Secret) else {}
    old = {key: STARS if after.data.get(key, text) == text else f"{STARS} (before)" for key, text in known.items()}
    new = {key: STARS if known.get(key, text) == text else f"{STARS} (after)" for key, text in after.data.items()}
    return Pair(replace(before, data=old) if isinstance(before, Secret) else before, replace(after, data=new))


def _file(item: KubernetesObject) -> str:
    key: Key = item.key
    return ".".join(part for part in (item.api_version.replace("/", "."), key.kind, key.namespace, key.name) if part)
