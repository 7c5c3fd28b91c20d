"""What one lookup of a name makes of queries: which names are asked for, of whom, and when it ends. Pure; who asks is given.

    ends with a dot .............. that name alone
    dots >= ndots ................ the name itself, then with each domain of the search list
    fewer dots ................... with each domain of the search list, then the name itself

A name with records ends it. NXDOMAIN, no records of the type, and SERVFAIL lead on to the next name; if no server answers, the
search list is left, and the name itself is tried; if all have closed their ports it ends at once. A server that refuses, fails
or is silent is followed by the next one, and all of them are tried `attempts` times.
Source: glibc's resolver, res_query.c (__res_context_search), res_send.c; resolv.conf(5). musl asks all servers at once, and
ends with the first name about which something else is said than NXDOMAIN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple

from netlab.desired.resolver import Resolver
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.model.words import amount
from netlab.netstate.dns import DnsRecord, DnsReply

NDOTS, TIMEOUT_S, ATTEMPTS = 1, 5, 2
NO_SERVER: Final = "127.0.0.1"
"""Who is asked if a resolv.conf names nobody."""
NEXT_SERVER: Final = frozenset({"SERVFAIL", "NOTIMP", "REFUSED"})
_NAME_MAX, _LABEL_MAX = 253, 63

Outcome = Literal["found", "no such name", "no such records", "failed", "refused", "closed", "unanswered"]
Ask = Callable[[str, str, str], DnsReply]
"""Asks a server (an address) for a name and a type."""


class Question(NamedTuple):
    """An absolute name to be asked for, and why in this place."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query that was sent: the how-manieth question it is for, to whom, and what came back."""

    number: int
    question: Question
    server: str
    attempt: int
    reply: DnsReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The whole: all queries in order, the records the program gets, and one sentence about the end."""

    name: str
    kind: str
    resolver: Resolver
    queries: tuple[Query, ...]
    outcome: Outcome
    records: tuple[DnsRecord, ...]
    said: str

    @property
    def data(self) -> tuple[str, ...]:
        """What the program gets: the records of the type that was asked for."""
        return tuple(record.data for record in self.records if record.kind == self.kind)


def checked_name(name: str) -> str:
    """Return the name to be looked up; that of an address is the one under which its name stands.

    Raises:
        NetlabError: no query can hold it.
    """
    try:
        return f"{ip_address(name).reverse_pointer}."
    except ValueError:
        pass
    labels = name.removesuffix(".").split(".")
    if not name.isascii():
        raise NetlabError(f"{name!r} is not ASCII: write it as DNS has it (xn--...)")
    if not all(0 < len(label) <= _LABEL_MAX for label in labels) or len(name) > _NAME_MAX + 1 or not name.isprintable():
        raise NetlabError(f"{name!r} is no name: labels of 1 to {_LABEL_MAX} characters, {_NAME_MAX} in all")
    return name


def questions(name: str, resolver: Resolver) -> Iterator[Question]:
    """Yield the names that are asked for in turn, as long as none is found."""
    if name.endswith("."):
        yield Question(name, "it ends with a dot: it is complete")
        return
    dots, ndots = name.count("."), resolver.number("ndots", NDOTS)
    count = amount(dots, "dot")
    if dots >= ndots:
        yield Question(f"{name}.", f"it has {count}, not fewer than ndots:{ndots}: the name itself comes first")
    for number, domain in enumerate(resolver.searches, 1):
        first = (
            f"it has {count}, fewer than ndots:{ndots}: the search list comes first; " if dots < ndots and number == 1 else ""
        )
        yield Question(f"{name}.{domain.removesuffix('.')}.", f"{first}domain {number} of {len(resolver.searches)}")
    if dots < ndots:
        yield Question(f"{name}.", "the name itself comes last")


def look_up(name: str, kind: str, resolver: Resolver, ask: Ask) -> Lookup:
    """Look a name up as a program does, and return all that happened.

    Args:
        name: as the program has it, checked.
        kind: the type of records.
        resolver: what the resolv.conf of the program says.
        ask: sends one query.
    """
    search = _Search(name, kind, resolver, ask)
    outcome = search.run()
    records = search.queries[-1].reply.records if outcome == "found" else ()
    return Lookup(
        name=name, kind=kind, resolver=resolver, queries=tuple(search.queries), outcome=outcome, records=records,
        said=f"The program gets {search.said(outcome, records)}",
    )  # fmt: skip


class _Search:
    """One lookup under way."""

    def __init__(self, name: str, kind: str, resolver: Resolver, ask: Ask) -> None:
        self.name, self.kind, self.resolver, self.ask = name, kind, resolver, ask
        self.queries: list[Query] = []

    def run(self) -> Outcome:
        """Ask until something is found or there is nothing left to ask for."""
        outcomes: list[Outcome] = []
        whole = f"{self.name.removesuffix('.')}."
        is_left = begins_whole = False
        for number, question in enumerate(questions(self.name, self.resolver), 1):
            if is_left and question.name != whole:
                continue
            outcome = self._asked(number, question)
            outcomes.append(outcome)
            begins_whole = begins_whole or (number == 1 and question.name == whole)
            if outcome in {"found", "closed"}:
                return outcome
            is_left = question.name != whole and outcome in {"refused", "unanswered"}
        return _ending(outcomes, begins_whole=begins_whole)

    def _asked(self, number: int, question: Question) -> Outcome:
        """Ask all servers for one name until one has something to say."""
        outcomes: list[Outcome] = []
        for attempt in range(1, self.resolver.number("attempts", ATTEMPTS) + 1):
            for server in self.resolver.nameservers or (NO_SERVER,):
                reply = self.ask(server, question.name, self.kind)
                self.queries.append(Query(number=number, question=question, server=server, attempt=attempt, reply=reply))
                outcomes.append(_outcome(reply))
                if outcomes[-1] in {"found", "no such name", "no such records"}:
                    return outcomes[-1]
        return next((outcome for outcome in reversed(outcomes) if outcome != "closed"), "closed")

    def said(self, outcome: Outcome, records: tuple[DnsRecord, ...]) -> str:
        """Return what the program gets, and why it gets no more."""
        reply = self.queries[-1].reply
        servers = ", ".join(self.resolver.nameservers) or f"{NO_SERVER}, because resolv.conf names no server"
        names = len({query.number for query in self.queries})
        data = ", ".join(record.data for record in records if record.kind == self.kind)
        missing = "the name does not exist" if names == 1 else f"none of the {names} names exists"
        unknown = len({query.number for query in self.queries if query.reply.rcode == "NXDOMAIN"})
        others = f"{unknown} name{'s do' if unknown > 1 else ' does'} not exist, and " if unknown else ""
        whom = f"for {self.queries[-1].question.name} the server"
        words: dict[Outcome, str] = {
            "found": data or f"nothing: the alias leads to no {self.kind} record",
            "no such name": f"nothing: {missing} (NXDOMAIN)",
            "no such records": f"nothing: there is such a name, and it has no {self.kind} record",
            "refused": f"nothing: {others}{whom} refuses to answer ({reply.rcode}): it is not meant for such names",
            "failed": f"nothing: {others}{whom} failed (SERVFAIL): perhaps nobody answers it in turn",
            "closed": f"nothing: no server can be reached: port 53 of {servers} is closed, or nobody is behind that Service",
            "unanswered": f"nothing: {others}no server answers ({servers}): {reply.error or reply.rcode}",
        }
        return words[outcome]


def _outcome(reply: DnsReply) -> Outcome:
    if reply.error:
        return "closed" if reply.error == "refused" else "unanswered"
    if reply.rcode in NEXT_SERVER:
        return "failed" if reply.rcode == "SERVFAIL" else "refused"
    if reply.rcode == "NXDOMAIN":
        return "no such name"
    return "found" if reply.records else "no such records"


def _ending(outcomes: list[Outcome], *, begins_whole: bool) -> Outcome:
    """Return what a program is told of names of which none was found: the end of __res_context_search."""
    if begins_whole:
        return outcomes[0]
    kept: tuple[Outcome, ...] = ("no such records", "failed")
    return next((outcome for outcome in kept if outcome in outcomes), outcomes[-1])


def hosts_entry(text: str, name: str) -> str:
    """Return the address that an /etc/hosts gives to a name, "" if it does not: programs look there first (nsswitch.conf)."""
    wanted = name.removesuffix(".").lower()
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if wanted in map(str.lower, names):
            return address
    return ""
