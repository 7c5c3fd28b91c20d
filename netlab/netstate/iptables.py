"""The iptables rules of one namespace: tables, chains and rules as data, printed as `iptables-save` prints them.

iptables is two programs of one language. `nft` keeps its rules in tables of nf_tables, `legacy` in xtables of its own; packets
meet the rules of both, and neither program shows the other's. So it is said which one is meant, always by its full name.

Unlike a table of nft, these tables belong to nobody: other programs, and people who try something on a Node, write into the
same ones. Ours are the chains with OUR_PREFIXES, and the rules of built-in chains that jump to them; all else stays as it is.
What strangers have in the built-in chains is seen, and written back where such a chain has to be written anew.
Source: iptables-save(8), iptables-nft(8); kube-proxy and the CNI plugins keep to their own chains in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

from netlab.frozen import dataclass

Variant = Literal["nft", "legacy"]
Family = Literal["ip", "ip6"]

PROGRAMS: Final[dict[Family, str]] = {"ip": "iptables", "ip6": "ip6tables"}
TABLES: Final = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}
"""The tables that are looked at, in the order in which they are written, with their built-in chains."""

OUR_PREFIXES: Final = ("KUBE-", "CNI-", "IP-MASQ")

_TARGET = re.compile(r"(?:^| )-[jg] (\S+)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def target(rule: str) -> str:
    """Return where a rule leads: a chain or an extension (`DNAT`), "" for one that only counts."""
    found = _TARGET.search(_QUOTED.sub('""', rule))
    return found[1] if found else ""


def family_of(address: str) -> Family:
    """Return the family of an address or a range."""
    return "ip6" if ":" in address else "ip"


def is_ours(chain: str) -> bool:
    """Tell whether a chain of this name is ours."""
    return chain.startswith(OUR_PREFIXES)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class IptablesChain:
    """A chain with its rules, each as `iptables-save` prints it behind `-A NAME`."""

    name: str
    rules: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield its rules, one a line."""
        yield from (f"-A {self.name} {rule}".rstrip() for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class IptablesTable:
    """`filter` or `nat`: our chains, and the built-in ones with the rules that lead to them."""

    name: str
    chains: frozenset[IptablesChain] = frozenset()

    @property
    def by_name(self) -> dict[str, IptablesChain]:
        """The chains as a dict: the built-in ones in the order of a packet, then ours, sorted."""
        order = {name: position for position, name in enumerate(TABLES[self.name])}
        return {one.name: one for one in sorted(self.chains, key=lambda one: (order.get(one.name, len(order)), one.name))}

    def lines(self) -> Iterator[str]:
        """Yield the table, valid for `iptables-restore --noflush` in a namespace that has none of it."""
        chains = self.by_name
        yield f"*{self.name}"
        yield from (f":{name} - [0:0]" for name in chains if name not in TABLES[self.name])
        for chain in chains.values():
            yield from chain.lines()
        yield "COMMIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class IptablesRules:
    """What one of the programs has of ours in a namespace, or of strangers. A table with nothing of it is left out."""

    variant: Variant = "nft"
    family: Family = "ip"
    tables: frozenset[IptablesTable] = frozenset()

    @property
    def program(self) -> str:
        """Its program without the verb: `iptables-nft`, `ip6tables-legacy`."""
        return f"{PROGRAMS[self.family]}-{self.variant}"

    @property
    def by_name(self) -> dict[str, IptablesTable]:
        """The tables as a dict, in the order in which they are written."""
        found = {table.name: table for table in self.tables}
        return {name: found[name] for name in TABLES if name in found}

    def minus(self, other: IptablesRules) -> IptablesRules:
        """Return the chains that `other` has not, and of those that both have the rules that it has not."""
        return replace(self, tables=frozenset(table for name in self.by_name if (table := self._less(name, other)).chains))

    def _less(self, name: str, other: IptablesRules) -> IptablesTable:
        known = other.by_name[name].by_name if name in other.by_name else {}
        found = []
        for chain in self.by_name[name].chains:
            rules = tuple(rule for rule in chain.rules if chain.name not in known or rule not in known[chain.name].rules)
            if rules or chain.name not in known:
                found.append(replace(chain, rules=rules))
        return IptablesTable(name=name, chains=frozenset(found))

    def __str__(self) -> str:
        """As the program's `-save` would print it, without what is not ours, counters and dates."""
        return "".join(f"{line}\n" for table in self.by_name.values() for line in table.lines())
