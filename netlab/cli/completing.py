"""What can be typed next, from the lab as it is. A lab that is not there, or cannot be read, completes nothing.

Names are read without the lab's lock and without waking its agent: a Tab must answer at once and change nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from netlab.cli.words import KINDS, WORDS, is_namespaced
from netlab.errors import NetlabError
from netlab.netstate.names import FABRIC, OUTSIDE
from netlab.store.paths import LabPaths, labs
from netlab.store.state_file import StateFile


def objects(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return kinds for the first word, names of that kind for later ones, and `pod/NAME` behind `pod/`."""
    typed = ctx.params.get("words") or ()
    kind, slash, _ = incomplete.rpartition("/")
    if slash:
        return _items((f"{kind}/{name}" for name in _names(ctx, kind)), incomplete)
    if not typed:
        return _items((plural for plural, *_ in KINDS.values()), incomplete)
    if "/" in typed[0]:
        return _items((f"{word}/" for word in WORDS if word in {plural for plural, *_ in KINDS.values()}), incomplete)
    return _items((name for word in typed[0].split(",") for name in _names(ctx, word) if name not in typed[1:]), incomplete)


def namespaces(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the Namespaces."""
    return _items(_names(ctx, "namespaces"), incomplete)


def targets(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return Pods, Nodes, `outside` and `fabric`; behind `svc/` and the like the names of that kind."""
    kind, slash, _ = incomplete.rpartition("/")
    if slash:
        return _items((f"{kind}/{name}" for name in _names(ctx, kind)), incomplete)
    return _items([*_names(ctx, "pods"), *_names(ctx, "nodes"), OUTSIDE, FABRIC], incomplete)


def names_of(ctx: click.Context, kind: str, incomplete: str) -> list[CompletionItem]:
    """Return the names of the objects of one kind."""
    return _items(_names(ctx, kind), incomplete)


def containers(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the containers of the Pod that was typed, or of the Pods of the Deployment."""
    words = ctx.params.get("words") or ctx.params.get("target") or ctx.args  # click leaves them there while -c has no value
    kind, _, name = (words if isinstance(words, str) else next(iter(words), "")).rpartition("/")
    found = _body(ctx, WORDS.get(kind or "pod", ""), name).get("spec", {})
    spec = found.get("template", {}).get("spec", found)
    return _items((one["name"] for field in ("containers", "initContainers") for one in spec.get(field, ())), incomplete)


def files(incomplete: str) -> list[CompletionItem]:
    """Return what tells the shell to complete files itself."""
    return [CompletionItem(incomplete, type="file")]


def lab_names(incomplete: str) -> list[CompletionItem]:
    """Return the labs of this machine."""
    return _items(labs(), incomplete)


def _names(ctx: click.Context, word: str) -> list[str]:
    """The names of the objects of a kind in the Namespace that was typed."""
    kind = WORDS.get(word.lower().partition(".")[0])
    if kind is None:
        return []
    given = _given(ctx)
    scope = given.get("namespace") or "default"
    try:
        with _store(given.get("lab") or "lab") as store:
            rows = store.execute("SELECT namespace, name FROM objects WHERE kind = ? ORDER BY name", kind)
    except (NetlabError, OSError):
        return []
    return [name for namespace, name in rows if namespace == scope or not is_namespaced(kind) or given.get("all_namespaces")]


def _body(ctx: click.Context, kind: str, name: str) -> Any:
    """An object of the Namespace that was typed, as it is stored; empty if there is none."""
    given = _given(ctx)
    key = kind, given.get("namespace") or "default", name
    try:
        with _store(given.get("lab") or "lab") as store:
            rows = store.execute("SELECT body FROM objects WHERE kind = ? AND namespace = ? AND name = ?", *key)
    except (NetlabError, OSError):
        return {}
    return json.loads(rows[0][0]) if rows else {}


def _given(ctx: click.Context) -> dict[str, Any]:
    """What was typed, before the verb and behind it."""
    return ctx.find_root().params | {key: value for key, value in ctx.params.items() if value is not None}


def _store(lab: str) -> contextlib.closing[StateFile]:
    return contextlib.closing(StateFile(LabPaths(lab).store))


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
