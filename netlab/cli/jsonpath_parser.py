r"""Read the expressions of a JSONPath template: what stands between two braces becomes a row of Steps. Looks nothing up.

    {.status.conditions[?(@.type=="Ready")].status}
      Field  Field      Filter(left, ==, right) Field

Rules: what kubectl reads is read alike, its oddities too, and what it refuses is refused in its words: a quoted text cannot end
in a backslash, `['a.b']` is `.a.b`, an expression ends at the first `}`. One thing more is understood: `["a.b"]` is one key.
No text blows this up: every letter is read once per level, and the levels are counted.
Source: Kubernetes docs, "JSONPath Support"; client-go util/jsonpath as of v1.32.
"""

from __future__ import annotations

import math
import re

from netlab.frozen import dataclass

DEEPEST = 20  # expressions inside expressions
INT64_MAX = 2**63 - 1
INT64_DIGITS = 19
BRACES = "write {.field}, {.list[0]} or {range .list[*]}{.field}{end}"
INDEX = "write [0], [-1], [0,2], [1:3], [*], ['field'] or [?(@.field==\"value\")]"
FILTER = 'write [?(@.field=="value")] or [?(@.field)]'
QUOTED = 'write for example {"\\n"} or {"\\t"}'


class Unreadable(Exception):
    """Why a template cannot be read or (`executing`) applied, in kubectl's words, and a cure. Never leaves `jsonpath`."""

    def __init__(self, why: str, hint: str, *, executing: bool = False) -> None:
        self.why, self.hint, self.executing = why, hint, executing
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Field:
    """`.name`: what a map holds under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`.*`: everything that a map or a list holds."""


@dataclass(frozen=True, slots=True)
class Descend:
    """`..`: a value and all that is inside it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`[start:stop:step]`; `[3]` is the slice from 3 to 4, and `is_index`, so that `[-1]` ends where the list ends."""

    start: int
    stop: int | None
    step: int
    is_index: bool


@dataclass(frozen=True, slots=True)
class Union:
    """`[0,2]`, `['a','b']`: what each of several paths finds, one after the other."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(left operator right)]`: the items of a list for which it is so; without an operator, those in which left exists."""

    left: Path
    operator: str = ""
    right: Path = ()


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true or false."""

    value: float | bool


@dataclass(frozen=True, slots=True)
class Text:
    """A text in quotes, or outside braces."""

    text: str


Step = Field | Wildcard | Descend | Slice | Union | Filter | Literal | Text
Path = tuple[Step, ...]

_NAME = re.compile(r"(?:\\.|[^\\ \t\r\n.,\[\]$@{}])*\\?", re.DOTALL)  # a backslash takes away the next letter's meaning
_WORD = re.compile(r"[^ \t\r\n.,\[\]$@{}]*")
_NUMBER = re.compile(r"[-+]?[\d.]*")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_SLICE = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.?))", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}


class Scanner:
    """Reads one expression: from `at`, which is behind its opening brace, to behind its closing brace.

    `keyword` is `range` or `end` if that word stands in it. `mistakes` are other bare words: the caller raises the first when
    all is read, because kubectl says first what cannot be read at all.
    """

    def __init__(self, text: str, at: int = 0, *, depth: int = 0, mistakes: list[Unreadable] | None = None) -> None:
        self.text, self.at, self.depth = text, at, depth
        self.keyword = ""
        self.mistakes: list[Unreadable] = [] if mistakes is None else mistakes

    def path(self) -> Path:
        """Return the steps, and stand behind the closing brace. Raises Unreadable."""
        steps: list[Step] = []
        while not self._skip("}"):
            if self._skip("[?("):
                steps.append(self._filter())
            elif self._skip(".."):
                steps += self._descend(steps)
            else:
                steps += self._step(self._next())
        return tuple(steps)

    def _step(self, first: str) -> Path:
        if first in {"", "\r", "\n"}:
            raise Unreadable("unclosed action", f"a {{ lacks its }}; {BRACES}")
        if first in " @$":  # all three mean: go on from the current object
            return ()
        if first == "[":
            return self._array()
        if first in "\"'":
            return (self._quoted(first),)
        if first == ".":
            return (self._field(),)
        self.at -= 1
        if first in "+-" or first.isdecimal():
            return (self._number(),)
        if first == "_" or first.isalpha():
            return self._word()
        shown = f" '{first}'" if first.isprintable() else ""
        raise Unreadable(f"unrecognized character in action: U+{ord(first):04X}{shown}", BRACES)

    def _next(self) -> str:
        """The next character, or nothing at the end."""
        found = self.text[self.at : self.at + 1]
        self.at += len(found)
        return found

    def _skip(self, word: str) -> bool:
        """Tell whether this comes next, and go behind it."""
        found = self.text.startswith(word, self.at)
        self.at += len(word) * found
        return found

    def _taken(self, pattern: re.Pattern[str]) -> str:
        """What comes next of a pattern that also matches nothing."""
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def _inside(self, text: str) -> Path:
        """The steps of an expression that is part of this one."""
        if self.depth >= DEEPEST:
            raise Unreadable("too many expressions inside one another", f"at most {DEEPEST}")
        return Scanner(text + "}", depth=self.depth + 1, mistakes=self.mistakes).path()

    def _field(self) -> Step:
        name = self._taken(_NAME)
        return Wildcard() if name == "*" else Field(name.replace("\\", ""))

    def _descend(self, before: list[Step]) -> Path:
        if before and isinstance(before[-1], Descend):
            raise Unreadable("invalid multiple recursive descent", "write two dots: {..name}")
        following = self.text[self.at : self.at + 1]
        if following == "_" or following.isalpha() or following.isdecimal():
            return (Descend(), self._field())
        return (Descend(),)

    def _word(self) -> Path:
        word = self._taken(_WORD)
        if word in {"true", "false"}:
            return (Literal(word == "true"),)
        if word in {"range", "end"} and not self.depth and not self.keyword:
            self.keyword = word
        else:
            hint = f"a field begins with a dot, a text stands in quotes: {{.{word}}}, {{'{word}'}}"
            self.mistakes.append(Unreadable(f"unrecognized identifier {word}", hint, executing=True))
        return ()

    def _number(self) -> Step:
        text = self._taken(_NUMBER)
        if not _FLOAT.fullmatch(text) or math.isinf(float(text)):
            raise Unreadable(f"cannot parse number {text}", "write for example 8080 or 0.5")
        if "." in text or len(text) > INT64_DIGITS + 1 or abs(int(text)) > INT64_MAX:
            return Literal(float(text))
        return Literal(int(text))

    def _quoted(self, quote: str) -> Step:
        start = self.at
        while (letter := self._next()) != quote or self.text[self.at - 2] == "\\":
            if letter in {"", "\n"}:
                raise Unreadable("unterminated quoted string", QUOTED)
        return Text(_unquoted(self.text[start : self.at - 1], quote))

    def _array(self) -> Path:
        end = self.text.find("]", self.at)
        inside, self.at = self.text[self.at : end], end + 1
        if end < 0 or "\n" in inside:
            raise Unreadable("unterminated array", f"a [ lacks its ]; {INDEX}")
        parts = inside.split(",")
        if len(parts) > 1:
            return (Union(tuple(self._inside(f"[{part.strip(' ')}]") for part in parts)),)
        quote, key = inside[:1], inside[1:-1]
        if len(inside) > 1 and inside[-1] == quote and quote in {"'", '"'} and quote not in key:
            return self._inside(f".{key}") if quote == "'" else (Field(key.replace("\\", "")),)
        return (_slice(":" if inside == "*" else inside),)

    def _filter(self) -> Step:
        """The first pair of equal quotes hides a bracket, as in kubectl; further quotes hide nothing."""
        start, quote, is_closed = self.at, "", False
        while (letter := self._next()) != ")" or (quote and not is_closed):
            if letter in {"", "\n"}:
                raise Unreadable("unterminated filter", FILTER)
            if letter in "\"'":
                is_closed = is_closed or (letter == quote and self.text[self.at - 2] != "\\")
                quote = quote or letter
        if self._next() != "]":
            raise Unreadable("unclosed array expect ]", FILTER)
        inside = self.text[start : self.at - 2]
        sides = _COMPARISON.fullmatch(inside)
        if not sides:
            return Filter(self._inside(inside))
        return Filter(self._inside(sides[1]), sides[2], self._inside(sides[3]))


def _slice(text: str) -> Step:
    found = _SLICE.fullmatch(text)
    if not found:
        raise Unreadable(f"invalid array index {text}", INDEX)
    start, stop, step = (None if part in {None, "", ":"} else _index(part.lstrip(":")) for part in found.groups())
    if found[2] is None:
        return Slice(start or 0, (start or 0) + 1, 1, is_index=True)
    return Slice(start or 0, stop, 1 if step is None else step, is_index=False)


def _index(text: str) -> int:
    if text == "-" or len(text) > INT64_DIGITS + 1 or abs(int(text)) > INT64_MAX:
        raise Unreadable(f"array index {text} is not a number", INDEX)
    return int(text)


def _unquoted(text: str, quote: str) -> str:
    r"""What a text in quotes means. `\xff` and `\377` are bytes of UTF-8, as in Go."""
    letters = {**_LETTERS, quote.encode(): quote.encode()}

    def meant(found: re.Match[bytes]) -> bytes:
        byte, octal, short, long, letter = found.groups(default=b"")
        if byte or octal:
            return bytes([int(byte, 16) if byte else int(octal, 8)])
        return chr(int(short or long, 16)).encode() if short or long else letters[letter]

    try:
        return _ESCAPE.sub(meant, text.encode(errors="replace")).decode(errors="replace")
    except (KeyError, ValueError) as error:
        raise Unreadable(f"unquote string {quote}{text}{quote} error invalid syntax", QUOTED) from error
