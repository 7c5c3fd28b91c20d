r"""JSONPath as kubectl has it: templates for `-o jsonpath=`, paths for `--sort-by`, custom columns and `wait --for`. Pure.

    {range .items[*]}{.metadata.name}{"\t"}{.status.phase}{"\n"}{end}

Rules: what is missing gives nothing; `$` and `@` both mean the current object; several results stand with spaces between them;
the fields of a map are visited in the order of their names (kubectl: in any order). Where v1.32 of kubectl surprises, so does
this: an empty list ends a step for the lists behind it, too, and in a filter an error counts as found.
A template that would find or print without end is refused: LARGEST and LONGEST are far above what a lab holds.
Source: Kubernetes docs, "JSONPath Support"; client-go util/jsonpath as of v1.32; Go's fmt (%v) and encoding/json.
"""

from __future__ import annotations

import functools
import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, assert_never

from netlab.cli import jsonpath_parser as steps
from netlab.cli.go_values import GO_TYPES, go_json, go_text
from netlab.cli.jsonpath_parser import Path, Scanner, Step, Unreadable
from netlab.cli.words import usage
from netlab.frozen import dataclass

LARGEST = 2_000_000  # values
LONGEST = 100_000_000  # characters
DEEPEST = 20  # ranges inside ranges
EXPECTED = "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"

_RELAXED = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def check(template: str) -> None:
    """Raise ManifestError for a template that cannot be read, whatever the objects are."""
    with _refusing(template):
        parse(template)


def render(template: str, data: Any) -> str:
    """Return the text that kubectl prints for a template. Raises ManifestError for one that is wrong."""
    with _refusing(template):
        return _Search().text(parse(template), data)


@contextmanager
def _refusing(template: str) -> Iterator[None]:
    """Turn what is wrong with a template into kubectl's words."""
    try:
        yield
    except Unreadable as error:
        prefix = f"error parsing jsonpath {template}, "
        if error.executing:
            prefix = f"error executing jsonpath {json.dumps(template, ensure_ascii=False)}: Error executing template: "
        raise usage(prefix + error.why, error.hint) from error


def find(path: str, data: Any) -> list[Any]:
    """Return what is found at one path, written `.metadata.name`, with braces or without the dot; nothing if it is missing.

    Raises:
        ManifestError: the path cannot be read, or asks for what a value cannot have, such as an item of a text.
    """
    try:
        actions = parse(relaxed(path))
        return _Search().values(actions[0].path, [data]) if actions else []
    except Unreadable as error:
        raise usage(error.why, f"in {path}: {error.hint}") from error


def relaxed(path: str) -> str:
    """Return a path as a template: `{.metadata.name}`. Raises Unreadable for braces in the wrong places."""
    found = _RELAXED.fullmatch(path)
    if path and not found:
        raise Unreadable(EXPECTED, "for example .metadata.name")
    return f"{{.{found[1] or found[2]}}}" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A text, or one pair of braces. What `opens` a range says in `resume` which Action follows it; what `ends` closes one."""

    path: Path
    opens: bool = False
    ends: bool = False
    resume: int = 0


@functools.lru_cache(maxsize=32)
def parse(template: str) -> tuple[Action, ...]:
    """Return the Actions of a template. Raises Unreadable."""
    actions: list[Action] = []
    mistakes: list[Unreadable] = []
    at = 0
    while (brace := template.find("{", at)) >= 0:
        scanner = Scanner(template, brace + 1, mistakes=mistakes)
        path = scanner.path()
        actions.append(Action(path=(steps.Text(template[at:brace]),)))
        actions.append(Action(path=path, opens=scanner.keyword == "range", ends=scanner.keyword == "end"))
        at = scanner.at
    for mistake in mistakes:
        raise mistake
    actions.append(Action(path=(steps.Text(template[at:]),)))
    return _ranges([action for action in actions if action.path != (steps.Text(""),)])


def _ranges(actions: list[Action]) -> tuple[Action, ...]:
    """Join each range with its end. One without an end goes to the end of the template, and then on behind the last end."""
    opened: list[int] = []
    for place, action in enumerate(actions):
        if action.opens:
            opened.append(place)
        elif action.ends and not opened:
            raise Unreadable("not in range, nothing to end", "write {range .list[*]} before {end}", executing=True)
        elif action.ends:
            start = opened.pop()
            actions[start] = replace(actions[start], resume=place + 1)
        if len(opened) > DEEPEST:
            raise Unreadable("too many ranges inside one another", f"at most {DEEPEST}", executing=True)
    last = max((place for place, action in enumerate(actions) if action.ends), default=0)
    for place in opened:
        actions[place] = replace(actions[place], resume=max(last, place) + 1)
    return tuple(actions)


class _Search:
    """One use of a template. It counts what it finds and prints, so that it ends."""

    def __init__(self) -> None:
        self.found, self.length = 0, 0

    def text(self, actions: tuple[Action, ...], data: Any) -> str:
        parts: list[str] = []
        self._run(actions, 0, data, parts)
        return "".join(parts)

    def _run(self, actions: tuple[Action, ...], place: int, data: Any, parts: list[str]) -> None:
        """Do the Actions from `place` to the end of its range, or to the end of all."""
        while place < len(actions) and not actions[place].ends:
            action = actions[place]
            found = self.values(action.path, [data])
            if action.opens:
                for value in found:
                    self._run(actions, place + 1, value, parts)
            else:
                for number, value in enumerate(found):
                    parts.append(f"{' ' if number else ''}{go_json(value)}")
                    self._count(length=len(parts[-1]))
            place = action.resume or place + 1

    def values(self, path: Path, inputs: list[Any]) -> list[Any]:
        """Return what a path finds from these inputs on. Raises Unreadable."""
        for step in path:
            self._count(found=len(inputs))
            inputs = self._step(step, inputs)
        self._count(found=len(inputs) + 1)
        return inputs

    def _count(self, *, found: int = 0, length: int = 0) -> None:
        self.found += found
        self.length += length
        if self.found > LARGEST or self.length > LONGEST:
            raise Unreadable(f"more than {LARGEST} values or {LONGEST} characters", "ask for fewer objects", executing=True)

    def _step(self, step: Step, inputs: list[Any]) -> list[Any]:
        match step:
            case steps.Field(name):
                return [value[name] for value in inputs if isinstance(value, dict) and name in value]
            case steps.Wildcard():
                return [inner for value in inputs for inner in _inner(value)]
            case steps.Descend():
                return self._descend(inputs)
            case steps.Slice():
                return _sliced(step, inputs)
            case steps.Union(paths):
                return [value for path in paths for value in self.values(path, inputs)]
            case steps.Filter():
                return [item for value in inputs for item in self._filtered(step, value)]
            case steps.Literal(value):
                return [value for _ in inputs]
            case steps.Text(text):
                return [text]
            case _:
                assert_never(step)

    def _descend(self, inputs: list[Any]) -> list[Any]:
        """Maps, lists and texts that are not empty, each before what is in it."""
        result, waiting = [], inputs[::-1]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict | list | str) and value:
                result.append(value)
                self._count(found=1)
            if isinstance(value, dict | list):
                waiting += [*_inner(value)][::-1]
        return result

    def _filtered(self, step: steps.Filter, value: Any) -> Iterable[Any]:
        if not isinstance(value, list):
            shown = go_text(value)
            shown = shown if len(shown) < 60 else f"{shown[:57]}..."
            hint = "a filter [?()] stands behind a list"
            raise Unreadable(f"{shown} is not array or slice and cannot be filtered", hint, executing=True)
        return [item for item in value if self._passes(step, item)]

    def _passes(self, step: steps.Filter, item: Any) -> bool:
        if not step.operator:
            try:
                return bool(self.values(step.left, [item]))
            except Unreadable:
                return True
        left = self.values(step.left, [item])
        right = self.values(step.right, [item]) if len(left) == 1 else left
        if len(right) > 1:
            raise Unreadable("can only compare one element at a time", "let each side mean one value", executing=True)
        return len(right) == 1 and _compared(left[0], step.operator, right[0])


def _inner(value: Any) -> Iterable[Any]:
    """What `*` finds in a value; in a text, its bytes."""
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return value if isinstance(value, list) else value.encode(errors="replace") if isinstance(value, str) else ()


def _sliced(step: steps.Slice, inputs: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in inputs:
        if value is None:
            continue
        if not isinstance(value, list):
            kind = GO_TYPES.get(type(value), "")
            raise Unreadable(f"{kind} is not array or slice", "an index [0] or [*] stands behind a list", executing=True)
        start, stop = _bounds(step, len(value))
        if start == stop:
            break
        found += value[start : stop : step.step]
    return found


def _bounds(step: steps.Slice, length: int) -> tuple[int, int]:
    start = step.start + length if step.start < 0 else step.start
    stop = length if step.stop is None else step.stop
    if stop < 0 or (stop == 0 and step.is_index):
        stop += length
    if start == stop:
        return start, stop
    for index, is_good in ((start, 0 <= start < length), (stop - 1, 0 <= stop <= length)):
        if not is_good:
            hint = "a missing field gives nothing, a missing item does not; [*] gives all there are"
            raise Unreadable(f"array index out of bounds: index {index}, length {length}", hint, executing=True)
    if start > stop:
        raise Unreadable(f"starting index {start} is greater than ending index {stop}", "write [1:3]", executing=True)
    if step.step <= 0:
        raise Unreadable("step must be > 0", "write for example [::2]", executing=True)
    return start, stop


def _compared(left: Any, word: str, right: Any) -> bool:
    """Compare two values of one kind, as Go's templates do: 1 and 1.0 are of two kinds."""
    compare = _COMPARE.get(word)
    why = ""
    if compare is None:
        raise Unreadable(f"unrecognized filter operator {word}", f"write one of {', '.join(_COMPARE)}", executing=True)
    if not (isinstance(left, bool | int | float | str) and isinstance(right, bool | int | float | str)):
        why = "invalid type for comparison"
    elif type(left) is not type(right):
        why = "incompatible types for comparison"
    elif isinstance(left, bool) and word not in {"==", "!="}:
        why = "invalid type for comparison"
    if why:
        hint = 'both sides are texts "a", whole numbers 1, fractions 0.5, or true and false'
        raise Unreadable(why, hint, executing=True)
    return compare(left, right)
