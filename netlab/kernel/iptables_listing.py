"""The text of `iptables-save` as nouns: pure, the way back of str(IptablesRules).

Counters, dates, comments and policies are left out; so are chains that are not ours, and what is in other tables.
Source: iptables-save(8), output of both programs of 1.8.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from netlab.netstate.iptables import TABLES, Family, IptablesChain, IptablesRules, IptablesTable, Variant, is_ours, target


class Listed(NamedTuple):
    """What a listing shows: our rules, and those of others in the built-in chains. None where there are none."""

    ours: IptablesRules | None
    strangers: IptablesRules | None


Rules = dict[str, list[str]]


def parse_save(listing: str, variant: Variant = "nft", family: Family = "ip") -> Listed:
    """Return what `iptables-save` of one program printed. Raises ValueError for a rule outside of a table."""
    tables = {name: _split(rules, TABLES[name]) for name, rules in _tables(listing) if name in TABLES}
    ours = [_table(name, found) for name, (found, _) in tables.items() if found]
    others = [_table(name, found) for name, (_, found) in tables.items() if found]
    return Listed(
        IptablesRules(variant=variant, family=family, tables=frozenset(ours)) if ours else None,
        IptablesRules(variant=variant, family=family, tables=frozenset(others)) if others else None,
    )


def _tables(listing: str) -> Iterator[tuple[str, Rules]]:
    """Yield each table's name with the rules of all of its chains."""
    name, rules = "", dict[str, list[str]]()
    for line in listing.splitlines():
        if line.startswith("*"):
            name = line[1:].strip()
            rules = {chain: [] for chain in TABLES.get(name, ())}
        elif line == "COMMIT":
            yield name, rules
            name = ""
        elif line.startswith(":"):
            rules[line[1:].split(None, 1)[0]] = []
        elif line.startswith("-A "):
            chain, _, rule = line[3:].partition(" ")
            if not name or chain not in rules:
                raise ValueError(f"not a listing of iptables: {line[:60]!r}")
            rules[chain].append(rule)


def _split(rules: Rules, built_in: tuple[str, ...]) -> tuple[Rules, Rules]:
    """Return our chains, with the built-in ones that jump to them, and what else there is in the built-in ones."""
    ours: Rules = {name: found for name, found in rules.items() if is_ours(name)}
    others: Rules = {}
    for name in built_in:
        for rule in rules.get(name, ()):
            (ours if is_ours(target(rule)) else others).setdefault(name, []).append(rule)
    return ours, others


def _table(name: str, rules: Rules) -> IptablesTable:
    chains = (IptablesChain(name=chain, rules=tuple(found)) for chain, found in rules.items())
    return IptablesTable(name=name, chains=frozenset(chains))
