"""Changes of a Node's taints and of whether it takes Pods, as kubectl's taint, cordon and uncordon make them. Pure.

    disk=slow:NoSchedule     disk:NoExecute     adds; with --overwrite also in the place of another value
    disk:NoSchedule-         disk-              takes away: that effect, or all

Source: kubectl taint, cordon (v1.32): pkg/cmd/taint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, cast, get_args

from netlab.errors import ManifestError, NetlabError, Problem
from netlab.manifest.edits import LABEL_VALUE_EXAMPLES
from netlab.model.formats import LABEL_VALUE_TEXT, QUALIFIED_TEXT, label_key, label_value
from netlab.model.node import Node
from netlab.model.taint import Taint, TaintEffect

SEE = "See 'netlab taint -h' for help and examples"
KEY_EXAMPLES = (
    "e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'"
)
EXAMPLES = {QUALIFIED_TEXT: KEY_EXAMPLES, LABEL_VALUE_TEXT: LABEL_VALUE_EXAMPLES}
EFFECTS: Sequence[str] = get_args(TaintEffect)


class TaintChanges(NamedTuple):
    """Taints to add, and those to take away: key and effect, no effect meaning all."""

    added: tuple[Taint, ...]
    removed: tuple[tuple[str, str], ...]


def split_taints(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words that name Nodes, and those from the first taint on. Raises ManifestError for a name behind a taint."""
    names: list[str] = []
    taints: list[str] = []
    for word in words:
        if "=" in word or ":" in word or word.endswith("-"):
            taints.append(word)
        elif taints:
            raise _wrong(f"all resources must be specified before taint changes: {word}")
        else:
            names.append(word)
    return names, taints


def parse_taints(words: Iterable[str]) -> TaintChanges:
    """Return what the words ask for. Raises ManifestError for what is no taint, and for the same one twice."""
    added: dict[tuple[str, str], Taint] = {}
    removed: list[tuple[str, str]] = []
    for word in words:
        key, value, effect = _parts(word.removesuffix("-") if word.endswith("-") else word)
        if word.endswith("-"):
            removed.append((key, effect))
            continue
        if not effect:
            raise _wrong(f"invalid taint spec: {word}\n{SEE}")
        if (key, effect) in added:
            raise _wrong(f"duplicated taints with the same key and effect: {{{key} {value} {effect} <nil>}}\n{SEE}")
        added[key, effect] = Taint(key=key, value=value, effect=cast("TaintEffect", effect))
    both = [f"{key}={effect}" for have, one in added for key, effect in removed if key == have and effect in {"", one}]
    if both:
        raise _wrong(f"can not both modify and remove the following taint(s) in the same command: {', '.join(both)}")
    return TaintChanges(tuple(added.values()), tuple(removed))


def with_taints(node: Node, changes: TaintChanges, *, overwrite: bool) -> tuple[Node, str]:
    """Return the Node with other taints, the new ones first, and kubectl's word for it.

    Raises:
        NetlabError: a taint is there already and may not be overwritten, or is not there to be taken away.
    """
    have = {(one.key, one.effect) for one in node.spec.taints}
    new = {(one.key, one.effect): one for one in changes.added}
    if not overwrite and (taken := [key for key, effect in new if (key, effect) in have]):
        name = node.metadata.name
        raise NetlabError(f"node {name} already has {','.join(taken)} taint(s) with same effect(s) and --overwrite is false")
    found = [*new.values(), *(one for one in node.spec.taints if (one.key, one.effect) not in new)]
    is_grown = len(found) != len(node.spec.taints)
    left = [one for one in found if not any(_is_meant(one, key, effect) for key, effect in changes.removed)]
    for key, effect in changes.removed:
        if not any(_is_meant(one, key, effect) for one in found):
            raise NetlabError(f'taint "{key}{f":{effect}" if effect else ""}" not found')
    word = "modified" if overwrite or (is_grown and len(left) < len(found)) else "tainted" if is_grown else "untainted"
    return replace(node, spec=replace(node.spec, taints=tuple(left))), word


def with_cordon(node: Node, *, wished: bool) -> tuple[Node, str]:
    """Return the Node closed to further Pods, or open, and kubectl's word for it."""
    word = "cordoned" if wished else "uncordoned"
    if node.spec.unschedulable == wished:
        return node, f"already {word}"
    return replace(node, spec=replace(node.spec, unschedulable=wished)), word


def _is_meant(taint: Taint, key: str, effect: str) -> bool:
    return taint.key == key and effect in {"", taint.effect}


def _parts(word: str) -> tuple[str, str, str]:
    """Key, value and effect of a taint as it is typed."""
    pair, *effects = word.split(":")
    key, *values = pair.split("=") if effects else [pair]
    if len(effects) > 1 or len(values) > 1:
        raise _wrong(f"invalid taint spec: {word}\n{SEE}")
    for effect in effects:
        if effect not in EFFECTS:
            raise _wrong(f"invalid taint effect: {effect}, unsupported taint effect\n{SEE}")
    for message in _faults(key, values):
        raise _wrong(f"invalid taint spec: {word}, {message}\n{SEE}")
    return key, "".join(values), "".join(effects)


def _faults(key: str, values: Iterable[str]) -> Iterator[str]:
    for message in (*map(label_value, values), label_key(key)):
        if message:
            yield f"{message} ({EXAMPLES[message]})" if message in EXAMPLES else message


def _wrong(message: str) -> ManifestError:
    return ManifestError((Problem(file="", line=0, object="", path="", message=message),))
