"""iptables in memory: a small, strict interpreter of what plan/iptables.py writes, for the Fake.

Each table of an input is one transaction: it is done at its COMMIT or not at all, and stays done if a later one is refused.
What is refused is refused with the words of iptables-nft: rules in chains and jumps to chains that are not there, loops that a
packet can get into, the deletion of a chain that is in use or built in, a target of another table, a name that is too long.
Anything outside of the dialect is refused too. Source: iptables-restore(8), iptables-nft 1.8.9 on Linux 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netlab.kernel.iptables_listing import Listed, parse_save
from netlab.netstate.iptables import TABLES, Family, Variant, target

CHAIN_NAME_MAX: Final = 28
_EVERYWHERE: Final = frozenset({"ACCEPT", "DROP", "RETURN", "MARK", ""})
TARGETS: Final = {"filter": _EVERYWHERE | {"REJECT"}, "nat": _EVERYWHERE | {"DNAT", "MASQUERADE"}}

Chains = dict[str, list[str]]


class FakeIptablesError(Exception):
    """What iptables-restore would say about its input."""


class FakeIptables:
    """The tables of one program in one namespace, those of others' rules included."""

    def __init__(self) -> None:
        self._tables: dict[str, Chains] = {}

    def listed(self, variant: Variant, family: Family) -> Listed:
        """Return what `iptables-save` shows."""
        return parse_save("\n".join(self._save()), variant, family)

    def restore(self, script: str) -> None:
        """Do what the input says. Raises FakeIptablesError; tables before the refused one are done."""
        name, chains = "", Chains()
        for number, line in enumerate(script.splitlines(), 1):
            try:
                if line.startswith("*"):
                    name, chains = line[1:], self._begin(line[1:])
                elif line == "COMMIT":
                    _check_loops(name, chains)
                    self._tables[name] = chains
                else:
                    _command(name, chains, line)
            except FakeIptablesError as error:
                raise FakeIptablesError(f"line {number} failed: {error}: {line[:200]}") from None
        if not script.endswith("COMMIT\n"):
            raise FakeIptablesError(f"COMMIT expected at line {len(script.splitlines()) + 1}")

    def _begin(self, name: str) -> Chains:
        """Return the chains of a table, to be changed."""
        if name not in TABLES:
            raise FakeIptablesError(f"table name '{name}' invalid")
        there = self._tables.get(name) or {chain: [] for chain in TABLES[name]}
        return {chain: list(rules) for chain, rules in there.items()}

    def _save(self) -> Iterator[str]:
        for name, chains in self._tables.items():
            yield f"*{name}"
            yield from (f":{chain} - [0:0]" for chain in chains)
            yield from (f"-A {chain} {rule}" for chain, rules in chains.items() for rule in rules)
            yield "COMMIT"


def _command(table: str, chains: Chains, line: str) -> None:
    words = line.split(" ", 2)
    if line.startswith(":") and words[1:] == ["-", "[0:0]"] and words[0][1:] not in TABLES[table]:
        if len(words[0]) - 1 > CHAIN_NAME_MAX:
            raise FakeIptablesError("chain name too long (must be under 29 chars)")
        chains[words[0][1:]] = []
        return
    if line == "-S":  # prints the table, which nobody reads here
        return
    verb, chain, rule = [*words, "", ""][:3]
    if verb not in {"-A", "-F", "-X"}:
        raise FakeIptablesError("unknown command")
    if chain not in chains:
        raise FakeIptablesError("No chain/target/match by that name.")
    if verb == "-F":
        chains[chain] = []
    elif verb == "-X":
        _delete(table, chains, chain)
    else:
        _append(table, chains, chain, rule)


def _delete(table: str, chains: Chains, chain: str) -> None:
    if chains[chain] or chain in TABLES[table] or any(target(rule) == chain for rules in chains.values() for rule in rules):
        raise FakeIptablesError("CHAIN_DEL failed (Device or resource busy)")
    del chains[chain]


def _append(table: str, chains: Chains, chain: str, rule: str) -> None:
    leads_to = target(rule)
    if leads_to in TABLES[table]:
        raise FakeIptablesError("RULE_APPEND failed (Operation not supported)")
    if leads_to not in chains and leads_to not in TARGETS["filter"] | TARGETS["nat"]:
        raise FakeIptablesError(f"Chain '{leads_to}' does not exist")
    if leads_to not in chains and leads_to not in TARGETS[table]:
        raise FakeIptablesError("RULE_APPEND failed (Invalid argument)")
    chains[chain].append(rule)


def _check_loops(table: str, chains: Chains) -> None:
    """Refuse a chain that packets come to and could come back to from there."""
    done: set[str] = set()

    def visit(chain: str, above: frozenset[str]) -> None:
        if chain in above:
            raise FakeIptablesError("RULE_APPEND failed (Too many links)")
        if chain in chains and chain not in done:
            for leads_to in {target(rule) for rule in chains[chain]}:
                visit(leads_to, above | {chain})
            done.add(chain)

    for chain in TABLES[table]:
        visit(chain, frozenset())
