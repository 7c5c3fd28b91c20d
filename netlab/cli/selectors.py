"""`-l` and `--field-selector`: which objects are meant, by their labels or by a few of their fields. Pure.

    app=web,tier!=cache,release in (stable,canary),!legacy        labels
    status.phase!=Running,spec.nodeName=node-1                    fields

Rules: all requirements hold together; none at all is true of every object; `!=` and `notin` are also true of an object without
the label. Fields are those by which the API server can select and netlab has; what it refuses is refused in its words.
Source: Kubernetes docs, "Labels and Selectors" and "Field Selectors"; apimachinery pkg/labels and pkg/fields as of v1.32;
Kubernetes pkg/apis/core/v1/conversion.go (which fields).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from netlab.cli.words import usage
from netlab.frozen import dataclass
from netlab.model.formats import label_key, label_value

LABELS_HINT = "write a=b, a!=b, a in (b,c), a notin (b,c), a or !a, with commas between them and quotes around it all"
FIELDS_HINT = "write FIELD=VALUE or FIELD!=VALUE, with commas between them"
UNABLE = "unable to parse requirement: "
BINARY = frozenset({"in", "notin", "=", "==", "!=", ">", "<"})
INT64_MAX, INT64_DIGITS = 2**63 - 1, 19

Values = frozenset[str]

# What stands behind a key -> is it true of a label's value (None: there is no such label).
HOLDS: Mapping[str, Callable[[str | None, Values], bool]] = {
    "": lambda value, _: value is not None,
    "!": lambda value, _: value is None,
    **dict.fromkeys(("=", "==", "in"), lambda value, wanted: value in wanted),
    **dict.fromkeys(("!=", "notin"), lambda value, wanted: value not in wanted),
    ">": lambda value, bounds: _ordered(value, operator.gt, bounds),
    "<": lambda value, bounds: _ordered(value, operator.lt, bounds),
}
EVERY_KIND = ("metadata.name", "metadata.namespace")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Event": ("involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "reason", "type"),
    "Namespace": ("status.phase",),
    "Node": (),
    "Pod": ("spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"),
    "Service": ("spec.clusterIP", "spec.type"),
}

_TOKEN = re.compile(r"==|!=|[=!<>(),]|[^=!<>(), \t\r\n]+")
_SPECIAL = frozenset({"==", "!=", *"=!<>(),", ""})
_TERM = re.compile(r"(?:[^\\,]|\\.|\\$)+", re.DOTALL)
_FIELD_TERM = re.compile(r"(.*?)(!=|==|=)(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.?)|=", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: str
    values: Values = frozenset()


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """A label selector that was understood."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an object with these labels is meant."""
        return all(HOLDS[one.operator](labels.get(one.key), one.values) for one in self.requirements)


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One condition on one field."""

    field: str
    is_equal: bool
    value: str


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """A field selector that was understood."""

    requirements: tuple[FieldRequirement, ...]

    def matches(self, plain: Mapping[str, Any]) -> bool:
        """Tell whether this object, as plain data with its defaults, is meant; a field that is left out is empty."""
        return all((_at(plain, one.field) == one.value) == one.is_equal for one in self.requirements)


def parse_labels(text: str) -> LabelMatch:
    """Return the selector that stands behind `-l`. Raises ManifestError."""
    return LabelMatch(_Labels(text).requirements())


def parse_fields(text: str, kind: str) -> FieldMatch:
    """Return the selector that stands behind `--field-selector`, for objects of one kind. Raises ManifestError."""
    known = (*EVERY_KIND, *FIELDS.get(kind, ()))
    found = []
    for term in _TERM.findall(text):
        parts = _FIELD_TERM.fullmatch(term)
        if not parts:
            raise usage(f"invalid selector: '{text}'; can't understand '{term}'", FIELDS_HINT)
        field, sign, value = parts.groups()
        if field not in known:
            raise usage(_unknown(field, kind), f"a {kind} has {', '.join(known)}")
        found.append(FieldRequirement(field, sign != "!=", _ESCAPED.sub(_unescaped, value)))
    return FieldMatch(tuple(found))


def _unknown(field: str, kind: str) -> str:
    """Kinds without fields of their own are refused in other words."""
    if kind in FIELDS:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only ' + ", ".join(f'"{one}"' for one in EVERY_KIND)


class _Labels:
    """Reads a label selector, token by token; the end is an empty token."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = [*_TOKEN.findall(text), ""]
        self.at = 0

    def requirements(self) -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        expected = ", expected: !, identifier, or 'end of string'"
        while self._ahead or found:
            self._expect(self._ahead == "!" or self._is_word, expected)
            found.append(self._requirement())
            self._expect(self._ahead in {",", ""}, ", expected: ',' or 'end of string'")
            if not self._take():
                break
            expected = ", expected: identifier after ','"
        return tuple(found)

    def _requirement(self) -> Requirement:
        is_absent = self._ahead == "!" and bool(self._take())
        self._expect(self._is_word, ", expected: identifier", UNABLE)
        key = self._take()
        _check(key, label_key(key))
        if is_absent or self._ahead in {",", ""}:
            return Requirement(key, "!" if is_absent else "")
        self._expect(self._ahead in BINARY, ", expected: in, notin, =, ==, !=, gt, lt", UNABLE)
        sign = self._take()
        values = self._values() if sign in {"in", "notin"} else {self._value()}
        for value in sorted(values):
            _check(value, label_value(value))
            if sign in {"<", ">"} and _integer(value) is None:
                _check(value, "for 'Gt', 'Lt' operators, the value must be an integer")
        return Requirement(key, sign, frozenset(values))

    def _value(self) -> str:
        if self._ahead in {",", ""}:
            return ""
        self._expect(self._is_word, ", expected: identifier", UNABLE)
        return self._take()

    def _values(self) -> set[str]:
        """What stands in parentheses; nothing between two commas is the empty value."""
        self._expect(self._ahead == "(", " expected: '('", UNABLE)
        self._take()
        self._expect(self._is_word or self._ahead in {",", ")"}, ", expected: ',', ')' or identifier", UNABLE)
        found: set[str] = set()
        while True:
            value = self._take() if self._is_word else ""
            found.add(value)
            if self._ahead == ")":
                self._take()
                return found
            self._expect(self._ahead == ",", ", expected: ',' or ')'" if value else ", expected: ',', or identifier", UNABLE)
            self._take()

    @property
    def _ahead(self) -> str:
        return self.tokens[self.at]

    @property
    def _is_word(self) -> bool:
        return self._ahead not in _SPECIAL

    def _take(self) -> str:
        token = self._ahead
        self.at += bool(token)
        return token

    def _expect(self, is_so: bool, otherwise: str, prefix: str = "") -> None:  # noqa: FBT001 - reads as a sentence
        if not is_so:
            raise usage(f"{prefix}found '{self._ahead}'{otherwise}", LABELS_HINT)


def _check(text: str, why: str) -> None:
    if why:
        raise usage(f'{UNABLE}Invalid value: "{text}": {why}', LABELS_HINT)


def _integer(text: str | None) -> int | None:
    number = int(text) if text and len(text) <= INT64_DIGITS and text.isascii() and text.isdecimal() else INT64_MAX + 1
    return number if number <= INT64_MAX else None


def _ordered(value: str | None, compare: Callable[[int, int], bool], bounds: Values) -> bool:
    number = _integer(value)
    return number is not None and all(compare(number, _integer(bound) or 0) for bound in bounds)


def _at(plain: Mapping[str, Any], field: str) -> str:
    value: Any = plain
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is None:
        raise usage("invalid field selector: unescaped character in value: =", "write \\= for = in a value")
    if found[1] not in {"\\", ",", "="}:
        raise usage(f"invalid field selector: invalid escape sequence: {found[0]}", "write \\\\, \\, or \\=")
    return found[1]
