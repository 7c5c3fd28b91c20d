"""Two iptables rule sets compared: the input of `iptables-restore --noflush` that makes the second out of the first. Pure text.

    -F BUILT-IN .......... only where our jumps differ
    -S ................... only before many chains, see below
    :CHAIN - [0:0] ....... makes a chain, or empties it: for every chain of ours that differs or goes
    -A ... ............... the rules of what was emptied; our jumps come first, as kube-proxy's do, then the strangers' rules
    -X CHAIN ............. last, when no rule leads there any more
    COMMIT

Chains that are as they should be are not mentioned: they keep their rules, and what hangs on them (the lists of `-m recent`,
counters). Each table is one transaction; `filter` comes first, so that nobody is let through by `nat` who is to be refused. The
same input once more changes nothing.

iptables-nft keeps a sorted list of the chains that were named, and searches it from the front for every line: ten thousand
Services took a minute. To print a table (`-S`) it needs all chains anyway, and keeps no list from then on.
Source: iptables-restore(8); iptables/nft-cache.c (cache_chain_list_insert); KEP-3453, how kube-proxy writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netlab.netstate.iptables import TABLES, IptablesRules, IptablesTable

MANY_CHAINS: Final = 500
"""From so many named chains on, to look for them takes longer than to print a table."""


def restore_input(desired: IptablesRules | None, observed: IptablesRules | None, strangers: IptablesRules | None = None) -> str:
    """Return the input, "" if there is nothing to do.

    Args:
        desired: what is to be; None: nothing of ours.
        observed: what is of ours, of the same program.
        strangers: what is there of others in the built-in chains.
    """
    wanted, there, others = (found.by_name if found else {} for found in (desired, observed, strangers))
    lines: list[str] = []
    for name in TABLES:
        if wanted.get(name) != there.get(name):
            nothing = IptablesTable(name=name)
            lines += _table(wanted.get(name, nothing), there.get(name, nothing), others.get(name, nothing))
    return "".join(f"{line}\n" for line in lines)


def _table(wanted: IptablesTable, there: IptablesTable, others: IptablesTable) -> Iterator[str]:
    new, old, strange = wanted.by_name, there.by_name, others.by_name
    built_in = TABLES[wanted.name]
    changed = [chain for name, chain in new.items() if old.get(name) != chain]
    gone = [chain for name, chain in old.items() if name not in new]
    ours = [chain.name for chain in (*changed, *gone) if chain.name not in built_in]
    yield f"*{wanted.name}"
    jumping = [name for name in built_in if new.get(name) != old.get(name)]
    yield from (f"-F {name}" for name in jumping)  # makes built-in chains that are not there yet, without which -S fails
    if len(ours) >= MANY_CHAINS:
        yield "-S"
    yield from (f":{name} - [0:0]" for name in ours)
    for name in jumping:
        yield from (line for chains in (new, strange) if name in chains for line in chains[name].lines())
    for chain in changed:
        if chain.name not in built_in:
            yield from chain.lines()
    yield from (f"-X {chain.name}" for chain in gone if chain.name not in built_in)
    yield "COMMIT"
