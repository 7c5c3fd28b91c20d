"""Manifests and command lines as somebody might write them, nearly right ones and hostile ones: strategies for Hypothesis.

A manifest is a good object in which something was done to a few places; a command line is made from the commands' own options.
Nothing random is kept between runs: the same tests see the same examples (tests/conftest.py).
Source: YAML 1.1; Hypothesis documentation, composite strategies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml
from hypothesis import strategies as st

from netlab.cli.main import ALL_VERBS, group

GOOD = sorted((Path(__file__).parent / "golden/manifests/good").glob("*.yaml"))
DOCUMENTS = [item for path in GOOD for one in yaml.safe_load_all(path.read_text()) for item in one.get("items", [one])]

# Manifests ------------------------------------------------------------------------------------------------------------

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value inside an object."""

HOSTILE = (
    "../x", "..", "/etc/passwd", "a/b", "a b", "a\nb", "web\r", "\0", "\x1b[2J", "x;reboot", "$(reboot)", "`reboot`", "-rf", "--lab",
    'a" ; flush ruleset', "%s%n", "WEB", "web.", ".web", "a..b", "x" * 64, "x" * 300, "x" * 70_000, "ünïcödé", "\u202ebew",
    "\uff57\uff45\uff42", "\u0661", "\ufeffweb", "\ud800", "",
)  # fmt: skip
ODD = (
    None, True, False, 0, -1, 1, 65536, 2**31, 2**63, 2**64, -(10**40), 1.5, float("nan"), float("inf"), "80", "true", "None", [], {},
    [None], [[]], {"": None}, {"<<": 1}, {"a": {"b": {}}},
)  # fmt: skip


class Written(str):
    """YAML that stands in the text as it is."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """A mapping in which a key may stand twice."""


YAML_WORDS = (
    *("!!python/object/apply:os.system [x]", "!!binary aGk=", "!mine {a: 1}", "!!str 80", "!!set {a, b}"),
    *("&a [*a]", "*nowhere", "&a {<<: *a}", "{<<: 5}", "{<<: [{a: 1}, {a: 2}]}", "{? [a] : b}", "{1: 2, true: 3, null: 4}"),
    *(".nan", "-.inf", "1e400", "0x" + "f" * 40, "9" * 300, "0777", "1_000", "1:30", "2001-01-01", "yes", "~", "=", "<<"),
    *("[" * depth + "]" * depth for depth in (60, 70, 5000)),
    *("{a: " * depth + "1" + "}" * depth for depth in (60, 5000)),
    *("[", "}", "'", '"\\x"', "%", "@", "`", "a: b: c", "- - -", "\t", "#", "|\n  a", "\x07", "\x85", "---", "..."),
)


def places(plain: Any, at: Place = ()) -> Iterator[Place]:
    """Yield every place inside an object, and the object itself first."""
    yield at
    inside = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in inside:
        yield from places(value, (*at, key))


def value_at(plain: Any, place: Place) -> Any:
    """Return what stands at a place."""
    for key in place:
        plain = plain[key]
    return plain


def with_value(plain: Any, place: Place, change: Callable[[Any], Any]) -> Any:
    """Return a copy in which `change` was done to what stands at a place."""
    if not place:
        return change(plain)
    key, *rest = place
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    changed = {one: with_value(value, tuple(rest), change) if one == key else value for one, value in pairs}
    return changed if isinstance(plain, dict) else list(changed.values())


def without(plain: Any, place: Place) -> Any:
    """Return a copy without what stands at a place."""
    *around, key = place

    def less(inside: Any) -> Any:
        kept = dict(inside) if isinstance(inside, dict) else dict(enumerate(inside))
        del kept[key]
        return kept if isinstance(inside, dict) else list(kept.values())

    return with_value(plain, tuple(around), less)


def text_of(plain: Any, indent: int = 0) -> str:
    """Return YAML in which every key and every item of a list has a line of its own."""
    if isinstance(plain, Written):
        return plain
    if not isinstance(plain, dict | list) or not plain:
        return json.dumps(plain, ensure_ascii=False) if plain == plain else ".nan"  # noqa: PLR0124 - NaN is not itself
    pairs = plain if isinstance(plain, Pairs) else plain.items() if isinstance(plain, dict) else None
    if pairs is not None:
        lines = [f"{json.dumps(key, ensure_ascii=False)}: {text_of(value, indent + 1)}" for key, value in pairs]
    else:
        lines = [text_of(value, indent + 1) for value in plain]
    left, right = "{}" if pairs is not None else "[]"
    space = "\n" + " " * (indent + 1)
    return f"{left}{space}{(',' + space).join(lines)}\n{' ' * indent}{right}"


def _misspelt(key: str) -> st.SearchStrategy[str]:
    return st.sampled_from((key.upper(), key + "s", key[:-1], key.capitalize(), f" {key}", key + "\u200b"))


@st.composite
def _changed(draw: st.DrawFn, plain: Any) -> Any:
    """One place of an object, and one of the things that go wrong there."""
    place = draw(st.sampled_from(list(places(plain))))
    old = value_at(plain, place)
    ways: list[Callable[[], Any]] = [
        lambda: with_value(plain, place, lambda _: draw(st.sampled_from(ODD))),
        lambda: with_value(plain, place, lambda _: draw(st.sampled_from(HOSTILE) | st.text(max_size=8))),
        lambda: with_value(plain, place, lambda _: Written(draw(st.sampled_from(YAML_WORDS)))),
        lambda: with_value(plain, place, lambda value: draw(st.sampled_from(([value], {"value": value}, [value, value])))),
    ]
    if place:
        ways.append(lambda: without(plain, place))
    if isinstance(old, dict) and not isinstance(old, Pairs):
        ways.append(
            lambda: with_value(plain, place, lambda value: value | {draw(st.sampled_from(HOSTILE)): draw(st.sampled_from(ODD))})
        )
    if isinstance(old, dict) and old and not isinstance(old, Pairs):
        key = draw(st.sampled_from(sorted(old)))
        ways += [
            lambda: with_value(plain, place, lambda value: Pairs([*value.items(), (key, value[key])])),
            lambda: with_value(
                plain, place, lambda value: {draw(_misspelt(one)) if one == key else one: value[one] for one in value}
            ),
        ]
    return draw(st.sampled_from(ways))()


@st.composite
def manifests(draw: st.DrawFn, documents: Sequence[Any] = DOCUMENTS) -> str:
    """One to three objects, of which one has one to three faults, or what looks like one."""
    chosen = draw(
        st.lists(st.sampled_from(documents), min_size=1, max_size=3, unique_by=lambda one: (one["kind"], str(one["metadata"])))
    )
    plain = chosen[0]
    for _ in range(draw(st.integers(1, 3))):
        if not any(isinstance(value_at(plain, place), Pairs | Written) for place in places(plain)):
            plain = draw(_changed(plain))
    return "\n---\n".join(text_of(one) for one in draw(st.permutations([plain, *chosen[1:]])))


# Command lines --------------------------------------------------------------------------------------------------------

GOOD_LINES = """
up --nodes 2 / up -f web.yaml --dry-run / down --dry-run / status -o json / labs -o json / doctor -q / commands / demo / shell web
get pods -A -o wide / get pod web -o jsonpath={.metadata.name} / get svc,deploy -l app=web --show-labels / get pods/web svc/web -o yaml
get pods --sort-by=.metadata.name -o custom-columns=NAME:.metadata.name / get all --field-selector=metadata.name=web / get -f web.yaml
describe pod web / describe svc / describe node node-1 / apply -f web.yaml / apply -f - --dry-run=client / diff -f web.yaml
delete pod web / delete svc -l app=web --now / delete -f web.yaml --ignore-not-found / delete deploy,cm --all
run one --image=host -- sleep infinity / run two --image=host --labels=a=b --dry-run=client -o yaml / expose pod web --port=81 --name=other
expose deployment many --port 80 / scale deployment many --replicas=1 / scale deploy/many --replicas 0 / label pod web a=b / label svc --all a-
create configmap new --from-literal=a=1 / create configmap web / create secret generic new --from-literal=a=1
create secret tls new --cert=nosuch --key=nosuch / create secret docker-registry new
annotate pod web note=x --overwrite / set image deployment/many main=host / set env deploy/many A=1 B- / wait pod/web --for=condition=Ready
wait svc/web --for=jsonpath={.spec.type}=ClusterIP / wait pod none --for=delete / exec web -- env / exec -i deploy/many -c main -- bash
logs web --tail=1 / logs deploy/many / cp web:/etc/hostname copied / cp copied web:/tmp/ / port-forward svc/web 0:80 / top pods --sum
top nodes / events -A / explain pod.spec / explain svc --recursive / api-resources -o name / completion bash / version
"""
WORDS = (
    "", "-", "--", "---", "-x", "--no-such-flag", "--no-such-flag=1", "-o", "-n", "--lab=../x", "--lab=", "-h", "--help", "=", "a=b", "a-", "-a=b",
    "pods", "po", "nodes", "all", "pods,svc", "pods,", "deployments.apps", "nonsense", "configmap", "pod/web", "pod/", "/web", "a/b/c",
    "web", "none", "node-1", "outside", "fabric", "svc/web", "deploy/web", "web:/etc/hostname", "/no/such/file", "80", "70000",
    "deployment", "image", "env", "bash", "tcsh", "pod.spec", "pod.spec.nonsense",
)  # fmt: skip
VALUES = (
    "", "0", "1", "-1", "3.5", "1e9", "9" * 30, "none", "client", "json", "yaml", "name", "wide", "jsonpath={.items[0}", "jsonpath={.kind}",
    "custom-columns=A:.kind", "custom-columns=A", "jsonpath-file=/no/such/file", "a=b", "a in (b", "a,,b", "status.phase=Running", "x!=", ".kind",
    "{.a[?(@.b", "default", "kube-system", "no-such-namespace", "/no/such/file", "/", "1s", "0.2s", "10", "1h1x", "NodePort", "80", "http",
    "host", "A=B", "condition=Ready", "delete", "jsonpath={.a}=b", "true", "[::1]", "localhost", "Never",
)  # fmt: skip
# Not a letter that a program's name could be made of: some of these lines reach a shell's words.
TEXT = st.text(st.characters(codec="utf-8", min_codepoint=0x1, exclude_characters=map(chr, range(0x61, 0x7B))), max_size=6)
ANYTHING = st.sampled_from(WORDS) | st.sampled_from(HOSTILE) | TEXT


@dataclass(frozen=True, slots=True)
class Verb:
    """The words that call a command; its options, and whether a value follows; the words of some good lines."""

    words: tuple[str, ...]
    options: tuple[tuple[str, bool], ...]
    good: tuple[tuple[str, ...], ...]


def verbs(names: Sequence[str] = tuple(ALL_VERBS), *, without_options: Sequence[str] = ()) -> list[Verb]:
    """Return the commands of the program, those of groups (`set image`) too, with their own options but `--lab`."""
    context = click.Context(group)
    left_out = {"--lab", *without_options}
    return [verb for name in names for verb in _verbs((name,), group.get_command(context, name), left_out)]


def _verbs(words: tuple[str, ...], command: click.Command | None, left_out: set[str]) -> Iterator[Verb]:
    assert command is not None
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from _verbs((*words, name), command.get_command(context, name), left_out)
    options = [one for one in command.params if isinstance(one, click.Option)]
    spellings = [(name, not one.is_flag) for one in options for name in (*one.opts, *one.secondary_opts)]
    lines = [tuple(line.split()) for line in GOOD_LINES.replace("\n", " / ").split(" / ")]
    good = [line[len(words) :] for line in lines if line[: len(words)] == words]
    yield Verb(words, tuple((name, valued) for name, valued in spellings if name not in left_out), tuple(good) or ((),))


@st.composite
def _option(draw: st.DrawFn, verb: Verb) -> list[str]:
    """An option of the verb, mostly with a value where it takes one, and as often as not a good one."""
    name, valued = draw(st.sampled_from(verb.options or (("--help", False),)))
    value = draw(st.sampled_from(VALUES) | st.sampled_from(VALUES) | ANYTHING)
    if not valued:
        return draw(st.sampled_from(([name], [name], [f"{name}=false"], [f"{name}={value}"])))
    return draw(st.sampled_from(([name, value], [f"{name}={value}"], [name, value], [name])))


@st.composite
def command_lines(draw: st.DrawFn, known: Sequence[Verb], last: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """A good line of a verb to which up to three things were done; no lab is named that there could be.

    Args:
        known: the verbs.
        last: for some verbs, words that stand at the very end of the line, whatever stands before.
    """
    verb = draw(st.sampled_from(known))
    line = list(draw(st.sampled_from(verb.good)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        way = draw(st.sampled_from("ooowdrs"))
        if way == "o":
            line[at:at] = draw(_option(verb))
        elif way == "w":
            line[at:at] = [draw(ANYTHING)]
        else:  # a word is left out, replaced, or said again
            line[at : at + 1] = {"d": [], "r": [draw(ANYTHING)], "s": line[at : at + 1] * 2}[way]
    early = draw(st.sampled_from(([], [], [], [], ["-n", "kube-system"], ["--namespace="], ["--no-such-flag"], ["--lab=../x"])))
    return [word.replace("\0", "0") for word in (*early, *verb.words, *line, *(last or {}).get(verb.words[0], ()))]
