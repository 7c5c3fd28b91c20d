"""A trace in words: the lines that a person reads. Colours are marks here (Span), so that the text is the same without them.

compact   the first packet on its way there, what came back, and in one line what else was seen
wide      every packet, and every hook that a packet passed, whether something happened there or not
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from netlab.frozen import dataclass
from netlab.netstate.conntrack import TrackedConnection
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element
from netlab.packets.names import Names
from netlab.packets.steps import Passage, RuleUse, Step, refuses
from netlab.packets.verdict import Verdict

Style = Literal["plain", "title", "old", "new", "faint", "good", "bad", "rule"]
TITLES: Final = {"forward": "on the way there", "reply": "on the way back", "error": "on the way back"}
GOOD: Final = frozenset({"answered"})
SET: Final = re.compile(r"@([\w-]+)")
INDENT: Final = " " * 16


class Span(NamedTuple):
    """A piece of a line and how it is meant."""

    text: str
    style: Style = "plain"


class Why(NamedTuple):
    """Why a rule or an element is there: whose it is, where that is written, and a sentence; each may be ""."""

    owner: str = ""
    place: str = ""
    text: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.owner, self.place) if part)


Line = tuple[Span, ...]
WhyOf = Callable[[NetnsName, str, Element | str], Why]
"""Says why an element is in a set or map, or a rule in a chain, of a namespace."""


def no_reason(_: NetnsName, __: str, ___: Element | str) -> Why:
    """Say nothing."""
    return Why()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told: the passages, since when (nanoseconds), and the verdict."""

    passages: Sequence[Passage]
    started_ns: int
    verdict: Verdict


class Telling:
    """Tells in words.

    Args:
        names: of namespaces and addresses.
        why: says why rules and elements are there.
        wide: everything.
    """

    def __init__(self, names: Names, why: WhyOf = no_reason, *, wide: bool = False) -> None:
        self.names, self.why, self.wide = names, why, wide

    def lines(self, told: Told) -> Iterator[Line]:
        """Yield the lines of a trace."""
        shown = list(told.passages) if self.wide else list(essential(told.passages))
        steps = [step for one in shown for step in one.steps if self.wide or is_telling(step)]
        width = max((len(self.names.space(step.netns)) for step in steps), default=0)
        for one in shown:
            yield (Span(f"{one.name}, {TITLES[one.direction]}", "title"),)
            yield from self._passage(one, told.started_ns, width)
            yield ()
        rest = [one for one in told.passages if one not in shown]
        if rest:
            yield (Span(f"then {', '.join(one.name for one in rest)} (`-o wide` shows them)", "faint"),)
        good = told.verdict.ending in GOOD
        yield (Span(f"{told.verdict.ending}: ", "good" if good else "bad"), Span(told.verdict.sentence))

    def _passage(self, passage: Passage, started_ns: int, width: int) -> Iterator[Line]:
        before: Step | None = None
        for step in passage.steps:
            if not (self.wide or is_telling(step)):
                continue
            moved = before is None or before.netns != step.netns
            who = self.names.space(step.netns) if moved else ""
            when = f"{(step.time_ns - started_ns) // 1000} µs" if step.time_ns else ""
            head = Span(f"{step.number:4} {when:>9}  {who:<{width}}  ")
            yield (head, *self._what(step, before))
            yield from self._below(step)
            before = step

    def _what(self, step: Step, before: Step | None) -> Iterator[Span]:
        match step.kind:
            case "in" | "out":
                yield Span(f"{step.kind:<4}{step.interface:<13}")
                if step.tunnel:
                    yield Span(f" in VXLAN, {step.tunnel}")
                if before is None or before.after != step.packet:
                    yield Span(f" {self.names.packet(step.packet)}")
            case "routing":
                yield Span(f"{'routing':<17} {step.route}")
            case _:
                yield Span(f"{step.kind:<17} ")
                yield from self._change(step)

    def _change(self, step: Step) -> Iterator[Span]:
        if step.is_dropped:
            yield Span("dropped" if not refuses(step.rules) else "refused", "bad")
        sides = [
            side
            for side in ("source", "destination")
            if self.names.side(step.packet, side) != self.names.side(step.after, side)
        ]
        if step.is_translated and not sides:  # of an echo only its identifier may be another one
            yield Span(f"identifier {step.packet.source_port} becomes {step.after.source_port}")
        for number, side in enumerate(sides):
            yield Span(f"{', ' if number else ''}{side} ")
            yield Span(self.names.side(step.packet, side), "old")
            yield Span(" becomes ")
            yield Span(self.names.side(step.after, side), "new")
        if step.remembered:
            yield Span(", as conntrack remembers", "faint")

    def _below(self, step: Step) -> Iterator[Line]:
        """The rules of a step and the connection that it made."""
        for rule in step.rules:
            if rule.only_leads_on and not self.wide:
                continue
            why = self.why(step.netns, rule.where.chain, rule.text)
            yield (Span(f"{INDENT}{rule.where.chain}: "), Span(rule.text, "rule"), *_reason(why))
            for name, element in named_elements(rule):
                yield (
                    Span(f"{INDENT}    {element_text(element)}"),
                    *_reason(self.why(step.netns, name, element), element.comment),
                )
        if step.connection and (step.is_translated or self.wide):
            yield (Span(f"{INDENT}conntrack: {connection_text(step.connection)}"),)


def is_telling(step: Step) -> bool:
    """Tell whether a step belongs to the story: not if rules only let the packet pass, or its own namespace takes it."""
    ends = step.kind == "routing" and step.route.startswith("local ")
    begins = step.connection and not step.is_translated and not step.is_dropped
    return not (step.is_quiet or ends or begins)


def essential(passages: Sequence[Passage]) -> Iterator[Passage]:
    """Yield the passages that tell the story: the first packet on its way there, and the first one that came back."""
    wanted = []
    for direction in ("forward", "reply", "error"):
        found = [one for one in passages if one.direction == direction]
        wanted += found[:1]
    yield from (one for one in passages if one in wanted)


def named_elements(rule: RuleUse) -> Iterator[tuple[str, Element]]:
    """Yield the elements by which a rule matched, with the name of the set or map in which each is."""
    names = SET.findall(rule.text)
    for number, element in enumerate(rule.elements):
        yield names[min(number, len(names) - 1)] if names else "", element


def element_text(element: Element) -> str:
    """Return an element as nft prints it, without its comment."""
    return f"{element.key} : {element.value}" if element.value else element.key


def connection_text(found: TrackedConnection) -> str:
    """Return an entry of conntrack in one line: `new SYN_SENT 10.244.1.3:44503 > 10.96.0.42:6379, answered by ...`."""
    state = f"{found.state} " if found.state else ""
    return f"{state}{found.original}, answered by {found.reply}"


def _reason(why: Why, owner: str = "") -> Iterator[Span]:
    said = str(why) or owner
    if said:
        yield Span(f"   {said}", "faint")


def plain(line: Line) -> str:
    """Return a line without its colours."""
    return "".join(span.text for span in line).rstrip()


STYLES: Final[Mapping[Style, str]] = {
    "plain": "", "title": "bold", "old": "red", "new": "green", "faint": "dim", "good": "green", "bad": "red", "rule": "cyan",
}  # fmt: skip
"""How a terminal shows them: bold, dim, or a colour."""
