"""Two tables compared: the change that makes the second out of the first. Pure; only what differs is in it.

    flush changed chains, add chains, sets, rules ..... empty sets, as elements and rules refer to both
    delete elements, add elements ..................... (a verdict map's element refers to a chain)
    delete sets, chains ............................... that nothing wants

A table that is not there comes as a block, in the style of `nft list table`; its elements follow. Nobody was served before.

A set whose type changed, or a base chain whose hook changed, cannot be altered in place: then the table is replaced, all in
one transaction, so no packet ever meets a half of it. So it is when a rule comes that uses a `typeof` set which is there
already: nft 1.0.6 forgets what `th` stood for when it reads such a set back ("conflicting protocols specified").

Source: nft(8); works with nft 1.0.6, which knows no `destroy`: what is deleted whole is added first, so that it may be missing
already. Elements to be deleted must be there (adding them first would double the change and fail where a value changed): what
is refused is not done at all, so observing again heals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.plan.table_change import ElementChange, TableChange
from netlab.remembered import remembered_each

_NONE: frozenset[Element] = frozenset()
_NAMED_SET = re.compile(r"@([\w-]+)")


def table_change(desired: NftTable | None, observed: NftTable | None) -> TableChange:
    """Return the change, an empty one if there is nothing to do. Its length follows what differs, not the size of the table."""
    if desired == observed:
        return TableChange()
    if desired is None:
        return TableChange(first=_without(observed) if observed else "")
    table = _name(desired)
    empty = replace(desired, sets=frozenset(replace(item, elements=_NONE) for item in desired.sets))
    if observed is None:
        return TableChange(table, f"{_without(desired)}{empty}", _change(desired, empty).elements)
    if table != _name(observed) or _needs_replacement(desired, observed):
        gone = _without(observed) if table != _name(observed) else ""
        return TableChange(table, f"{gone}{_without(desired)}{empty}{_change(desired, empty)}")
    return _change(desired, observed)


def _without(table: NftTable) -> str:
    return f"add table {_name(table)}\ndelete table {_name(table)}\n"


def _name(table: NftTable) -> str:
    return f"{table.family} {table.name}"


def _needs_replacement(desired: NftTable, observed: NftTable) -> bool:
    types = {item.name: (item.is_map, item.key_type) for item in observed.sets}
    hooks = {chain.name: chain.hook for chain in observed.chains}
    forgetful = {item.name for item in observed.sets if item.key_type.startswith("typeof ")}
    used = {name for chain in desired.chains - observed.chains for rule in chain.rules for name in _NAMED_SET.findall(rule)}
    return (
        any(types.get(item.name, (item.is_map, item.key_type)) != (item.is_map, item.key_type) for item in desired.sets)
        or any(hooks.get(chain.name, chain.hook) != chain.hook for chain in desired.chains)
        or not used.isdisjoint(forgetful)
    )


def _change(desired: NftTable, observed: NftTable) -> TableChange:
    table = _name(desired)
    kept = desired.sets & observed.sets
    old_sets, new_sets = _by_name(observed.sets - kept), _by_name(desired.sets - kept)
    old_chains, new_chains = _chains(observed), _chains(desired)
    changed = [chain for name, chain in new_chains.items() if old_chains.get(name) != chain]
    pairs = [(old_sets.get(name), item) for name, item in new_sets.items()]

    first = [f"flush chain {table} {chain.name}" for chain in changed if chain.name in old_chains]
    for chain in changed:
        if chain.name not in old_chains:  # flushed, or rules would double if it were there already
            first += (_declare_chain(table, chain), f"flush chain {table} {chain.name}")
    first += (_declare_set(table, item) for old, item in pairs if old is None)
    first += (f"add rule {table} {chain.name} {rule}" for chain in changed for rule in chain.rules)

    gone = [name for name in old_chains if name not in new_chains]
    last = [line for name in gone for line in (f"add chain {table} {name}", f"flush chain {table} {name}")]
    for name, item in old_sets.items():
        if name not in new_sets:
            last += (_declare_set(table, item), f"delete {item.keyword} {table} {name}")
    last += (f"delete chain {table} {name}" for name in gone)
    return TableChange(table, _lines(first), tuple(_elements(pairs)), _lines(last))


def _lines(found: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in found)


def _elements(pairs: Sequence[tuple[ElementSet | None, ElementSet]]) -> Iterator[ElementChange]:
    """Yield what goes from each set and then what comes into it."""
    found = _differences((item.elements, old.elements if old else _NONE) for old, item in pairs)
    for (_, item), (gone, _) in zip(pairs, found, strict=True):
        if gone:
            yield ElementChange("delete", item.name, item.key_type, gone)
    for (_, item), (_, new) in zip(pairs, found, strict=True):
        if new:
            yield ElementChange("add", item.name, item.key_type, new)


@remembered_each
def _differences(elements: frozenset[Element], old: frozenset[Element]) -> tuple[frozenset[Element], frozenset[Element]]:
    """What goes and what comes: the same objects for all Nodes that have the same elements."""
    return old - elements, elements - old


def _by_name(sets: Iterable[ElementSet]) -> dict[str, ElementSet]:
    return {item.name: item for item in sorted(sets, key=lambda item: item.name)}


def _chains(table: NftTable) -> dict[str, Chain]:
    return {chain.name: chain for chain in sorted(table.chains)}


def _declare_chain(table: str, chain: Chain) -> str:
    return f"add chain {table} {chain.name}" + (f" {{ {chain.hook} }}" if chain.hook else "")


def _declare_set(table: str, item: ElementSet) -> str:
    declaration = "; ".join(line.strip() for line in item.key_type.splitlines())
    return f"add {item.keyword} {table} {item.name} {{ {declaration}; }}"
