"""Claims about packets, held against a capture file: what a story says is seen, is seen. Pure.

    at: node-1/eth0                          the interface, as the file names it
    packet: "tcp * > * (web) SYN, *"         the packet, as `netlab capture` prints it
    hop: "*DNAT * by *web on node-1"         one of the steps that `netlab trace` wrote beside it
    way: out                                 sent by the namespace of the interface; `in`: received

`*` stands for any text, `?` for a character. A claim holds if there is such a packet; with `times`, if there are so many; with
`places`, if so many interfaces have seen some. That there is none (`times: 0`) holds only if somebody looked: an interface that
the file does not have, or that lost packets, proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

from netlab.frozen import dataclass
from netlab.packets.headers import decode
from netlab.packets.names import Names
from netlab.packets.pcapng_reader import KeptCapture
from netlab.packets.summary import summary

Way = Literal["", "in", "out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is said of the packets of a step, and by which ones it is proved."""

    say: str
    at: str = "*"
    packet: str = "*"
    hop: str = "*"
    way: Way = ""
    times: int | None = None
    places: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A packet at one place, in words, and the steps that were written beside it."""

    place: str
    outgoing: bool
    packet: str
    hops: tuple[str, ...] = ("",)

    def __str__(self) -> str:
        return f"{self.place} {'→' if self.outgoing else '←'} {self.packet}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was seen in order of time, where somebody looked, and where packets were lost."""

    sights: tuple[Sight, ...] = ()
    watched: frozenset[str] = frozenset()
    lossy: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of a claim: the packets that it is about, and why it does not hold; "" if it does."""

    claim: Claim
    witnesses: tuple[Sight, ...]
    trouble: str

    @property
    def words(self) -> str:
        """The first of the packets, as the claim speaks of it: itself, or the step that was written beside it. "" if none."""
        if not self.witnesses:
            return ""
        first = self.witnesses[0]
        return str(first) if self.claim.hop == "*" else "; ".join(one for one in first.hops if fnmatchcase(one, self.claim.hop))


def evidence(captures: Iterable[KeptCapture]) -> Evidence:
    """Return all that some capture files show."""
    kept = tuple(captures)
    return Evidence(
        sights=tuple(sight for one in kept for sight in _sights(one)),
        watched=frozenset(place for one in kept for place in one.places),
        lossy=frozenset(place for one in kept for place, count in one.lost.items() if count),
    )


def judge(claim: Claim, seen: Evidence) -> Finding:
    """Return whether a claim holds, and by which packets."""
    witnesses = tuple(one for one in seen.sights if _is_meant(claim, one))
    return Finding(claim=claim, witnesses=witnesses, trouble=_trouble(claim, witnesses, seen))


def _sights(kept: KeptCapture) -> Iterable[Sight]:
    names = Names(addresses=kept.names)
    for one in sorted(kept.packets, key=lambda packet: packet.time_ns):
        text = summary(decode(one.data), names)
        yield Sight(place=one.place, outgoing=one.outgoing, packet=text, hops=tuple(one.comment.split("; ")))


def _is_meant(claim: Claim, one: Sight) -> bool:
    return (
        fnmatchcase(one.place, claim.at)
        and fnmatchcase(one.packet, claim.packet)
        and any(fnmatchcase(hop, claim.hop) for hop in one.hops)
        and claim.way in {"", "out" if one.outgoing else "in"}
    )


def _trouble(claim: Claim, witnesses: tuple[Sight, ...], seen: Evidence) -> str:
    watched = sorted(place for place in seen.watched if fnmatchcase(place, claim.at))
    lossy = sorted(seen.lossy.intersection(watched))
    if not watched:
        return f"nobody looked at {claim.at}"
    if claim.times is not None and len(witnesses) != claim.times:
        return f"{len(witnesses)} such packets at {claim.at}, and not {claim.times}"
    if claim.times is not None and lossy:
        return f"{', '.join(lossy)} lost packets: how many there were is not known"
    if claim.places is not None and len({one.place for one in witnesses}) != claim.places:
        places = sorted({one.place for one in witnesses})
        return f"{len(places)} interfaces saw such packets ({', '.join(places) or 'none'}), and not {claim.places}"
    if not witnesses and claim.times is None:
        return f"no such packet at {claim.at}"
    return ""
