"""What became of a request, in one sentence: how it ended, where, and because of what.

Only what was seen is said. That something was *not* seen counts only where the instruments proved in the same run that they
could see; otherwise the verdict is `unknown`. What lost a packet without any instrument telling is taken from the walk through
the same state (walk.py), and said to be so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Final, Literal

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.packets.hops import Walk
from netlab.packets.names import Names
from netlab.packets.packet import Packet
from netlab.packets.steps import Passage, Step, error_text, owner, refuses

Ending = Literal["answered", "refused", "dropped", "unreachable", "unanswered", "lost", "not sent", "unknown"]

REFUSALS: Final = frozenset({("icmp", 3, 3), ("icmpv6", 1, 4)})
"""Errors that mean: there is such an address, and nobody there for this port."""

_TOO_LARGE = "the packet is larger than the {mtu} bytes that the next link takes, and must not be cut"
_TOO_OLD = "its time to live had ended"
WHYS: Final = {("icmp", 3, 4): _TOO_LARGE, ("icmpv6", 2, 0): _TOO_LARGE, ("icmp", 11, 0): _TOO_OLD, ("icmpv6", 3, 0): _TOO_OLD}
"""Errors that say themselves why, by type and code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the sender's own system told it: nothing (`trouble` is ""), or why it failed; and how long it took, in seconds."""

    answered: bool
    trouble: str = ""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it ended, `where`, and the `sentence`. `step` is the number of the step that decided, 0 if none did."""

    ending: Ending
    where: NetnsName
    sentence: str
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged.

    `passages` are the ways of the packets in order of time, `netns` the sender's namespace, `sent` the tuple it sent, `walks`
    the ways that it could take; `unproved` are the instruments that did not see their canaries, or lost something. `counted`
    says for what the kernels of namespaces threw packets away meanwhile.
    """

    passages: Sequence[Passage]
    told: Told
    netns: NetnsName
    sent: Packet
    walks: Sequence[Walk] = ()
    names: Names = Names()
    unproved: Collection[str] = ()
    counted: Mapping[NetnsName, Sequence[str]] = field(default_factory=dict)


def verdict(case: Case) -> Verdict:
    """Return what became of a request."""
    return _Judge(case).judge()


class _Judge:
    def __init__(self, case: Case) -> None:
        self.told, self.walks, self.names, self.unproved = case.told, case.walks, case.names, case.unproved
        self.netns, self.sent, self.counted = case.netns, case.sent, case.counted
        self.there = [one for one in case.passages if one.direction == "forward"]
        self.back = [one for one in case.passages if one.direction == "reply"]
        self.errors = [one for one in case.passages if one.direction == "error"]

    def judge(self) -> Verdict:
        arrived = next((one for one in self.back if self._came_home(one) and self._is_taken(one.steps[-1])), None)
        if arrived is not None:
            return self._refused_by_reset(arrived) if "RST" in arrived.flags else self._answered()
        error = next((one for one in self.errors if self._came_home(one)), None)
        if error is not None:
            return self._told_by_error(error)
        if self.unproved:
            return self._unknown()
        if not self.there:
            return self._not_sent()
        return self._without_answer()

    def _came_home(self, passage: Passage) -> bool:
        last = passage.steps[-1]
        return last.netns == self.netns and last.kind in {"in", "routing", "input"}

    def _is_taken(self, last: Step) -> bool:
        """Tell whether the sender knows this as its answer: as far as that is seen, where its own namespace translates."""
        translated = any(step.is_translated and step.netns == self.netns for one in self.there for step in one.steps)
        return not last.is_dropped and (translated or last.after == self.sent.answer)

    # What came back ------------------------------------------------------------------------------------------------------

    def _answered(self) -> Verdict:
        step = self.back[0].steps[0]  # fragments of IPv6 are other packets behind each Node that tracks connections
        took = f" in {_time(self.told.took_s)}" if self.told.answered else ""  # or it waited for more, and that did not come
        sentence = (
            f"{self._who(self.netns)} reached {self._who(step.netns)}{self._by()} and was answered{took}{self._changes()}."
        )
        return Verdict(ending="answered", where=step.netns, sentence=sentence, step=step.number)

    def _refused_by_reset(self, back: Passage) -> Verdict:
        step = back.steps[0]
        by_rule = self._dropped(step.netns)
        if by_rule is not None:
            return self._by_rule("refused", by_rule, "refused the connection with a reset")
        port = back.packet.source_port
        sentence = (
            f"{self._who(step.netns)} refused the connection: it has {back.packet.source}, and nothing listens there on"
            f" {self.sent.protocol} port {port}{self._by()}."
        )
        return Verdict(ending="refused", where=step.netns, sentence=sentence, step=step.number)

    def _told_by_error(self, passage: Passage) -> Verdict:
        step, error = passage.steps[0], passage.error
        assert error is not None  # noqa: S101 - what passages of this direction are
        text = error_text(passage.packet.protocol, error)
        ending: Ending = "refused" if (passage.packet.protocol, error.type, error.code) in REFUSALS else "unreachable"
        by_rule = self._dropped(step.netns)
        if by_rule is not None:
            return self._by_rule(ending, by_rule, f"answered {text}")
        known = WHYS.get((passage.packet.protocol, error.type, error.code), "").format(mtu=error.mtu)
        why = {
            "refused": f"nothing listens there on {self.sent.protocol} port {self._port_at(step.netns)}",
            "unreachable": known or self._guess(step.netns) or "it could not pass the packet on",
        }[ending]
        sentence = f"{self._who(step.netns)} answered {text}: {why}{self._by()}."
        return Verdict(ending=ending, where=step.netns, sentence=sentence, step=step.number)

    def _by_rule(self, ending: Ending, step: Step, what: str) -> Verdict:
        rule = step.rules[-1] if step.rules else None
        whose = f", for {owner(step.rules)}" if owner(step.rules) else ""
        told = f": the rule `{rule.text}` of chain {rule.where.chain} did it{whose}" if rule else f" in {step.kind}"
        sentence = f"{self._who(step.netns)} {what}{told}."
        return Verdict(ending=ending, where=step.netns, sentence=sentence, step=step.number)

    # What did not come back ----------------------------------------------------------------------------------------------

    def _without_answer(self) -> Verdict:
        last = self.there[0].steps[-1]
        dropped = self._dropped(None)
        if dropped is not None:
            if dropped.netns == self.netns and refuses(dropped.rules):  # its error comes by no interface that is looked at
                return self._by_rule("refused", dropped, "refused the packet")
            return self._by_rule("dropped", dropped, "dropped the packet")
        if self.back:
            return self._answer_lost()
        if last.kind == "out":
            sentence = f"The packet left {self._who(last.netns)} by {last.interface}, and was seen nowhere after that."
            return Verdict(ending="lost", where=last.netns, sentence=sentence, step=last.number)
        counted, why = self.counted.get(last.netns, ()), self._guess(last.netns)
        if last.kind == "routing" and last.route.startswith("local ") and not counted:
            sentence = (
                f"The packet reached {self._who(last.netns)}{self._by()}, which did not answer in {_time(self.told.took_s)}."
            )
            return Verdict(ending="unanswered", where=last.netns, sentence=sentence, step=last.number)
        if counted:
            reason = f": {counted[0]} (the kernel counted such a packet meanwhile)"
        else:
            reason = f": {why} (so says the state of the lab; the kernel does not tell)" if why else ""
        ended = f"ended there{reason}" if reason else "was seen nowhere after that; the kernel does not tell why"
        sentence = f"The packet came to {self._who(last.netns)} and {ended}."
        return Verdict(ending="lost", where=last.netns, sentence=sentence, step=last.number)

    def _answer_lost(self) -> Verdict:
        first, last = self.back[0].steps[0], self.back[0].steps[-1]
        if last.is_dropped:
            return self._by_rule("dropped", last, "dropped the answer")
        asked, answer, who = self.there[0].steps[0].packet, last.after, self._who(last.netns)
        place = f"left {who} by {last.interface}" if last.kind == "out" else f"came as far as {who}"
        strange = ""
        if (answer.source, answer.source_port) != (asked.destination, asked.destination_port):
            strange = f", as from {answer.source}, where {asked.destination} had been asked"
        sentence = f"{self._who(first.netns)} answered, but the answer {place} and was not seen after that{strange}."
        return Verdict(ending="lost", where=last.netns, sentence=sentence, step=last.number)

    def _not_sent(self) -> Verdict:
        why = self._guess(self.netns) or self.told.trouble or "nothing was seen to leave it"
        trouble = f" ({self.told.trouble})" if self.told.trouble and self.told.trouble not in why else ""
        sentence = f"{self._who(self.netns)} sent nothing to {self._target()}: {why}{trouble}."
        return Verdict(ending="not sent", where=self.netns, sentence=sentence)

    def _unknown(self) -> Verdict:
        blind = ", ".join(sorted(self.unproved)[:3]) + (", ..." if len(self.unproved) > 3 else "")  # noqa: PLR2004
        sentence = (
            f"What became of the packet is not known: no answer was seen, but {blind} could not be proved to see everything."
        )
        return Verdict(ending="unknown", where=self.netns, sentence=sentence)

    # Words ---------------------------------------------------------------------------------------------------------------

    def _who(self, netns: NetnsName) -> str:
        return self.names.space(netns)

    def _target(self) -> str:
        return self.names.side(self.sent, "destination")

    def _by(self) -> str:
        """By which name it was asked, if that is not the address of whoever answered."""
        return f", asked as {self._target()}" if any(step.is_translated for one in self.there for step in one.steps) else ""

    def _changes(self) -> str:
        """Who changed what on the way there."""
        found = []
        for step in self.there[0].steps if self.there else ():
            if not step.is_translated:
                continue
            if (step.packet.destination, step.packet.destination_port) != (step.after.destination, step.after.destination_port):
                found.append(f"{self._who(step.netns)} made {self.names.side(step.after, 'destination')} its destination")
            else:
                found.append(f"{self._who(step.netns)} made {self.names.side(step.after, 'source')} its source")
        return f"; {' and '.join(found)}" if found else ""

    def _dropped(self, netns: NetnsName | None) -> Step | None:
        """The step at which rules ended a packet on its way there: in this namespace, or anywhere."""
        steps = (step for one in self.there for step in one.steps if step.is_dropped)
        return next((step for step in steps if netns is None or step.netns == netns), None)

    def _port_at(self, netns: NetnsName) -> int:
        """The port for which the packet was meant where it ended."""
        return (self._seen_at(netns) or self.sent).destination_port

    def _seen_at(self, netns: NetnsName) -> Packet | None:
        """What the packet was when it was last seen there."""
        steps = [step for one in self.there for step in one.steps if step.netns == netns]
        return steps[-1].after if steps else None

    def _guess(self, netns: NetnsName) -> str:
        """Why the state of the lab ends the packet there; "" if it would not, or if that hangs on where chance has led it."""
        seen = self._seen_at(netns)
        fitting = [one.verdict for one in self.walks if one.packet == self.sent and one.verdict.netns == netns]
        if seen is not None:
            there = seen.destination, seen.destination_port
            fitting = [one for one in fitting if (one.packet.destination, one.packet.destination_port) == there]
        reasons = {self.names.said(one.reason) for one in fitting if not one.is_delivered}
        return reasons.pop() if len(reasons) == 1 else ""


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.1f} s"
