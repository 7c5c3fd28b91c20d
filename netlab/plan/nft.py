"""Two tables compared: one nft transaction that makes the second out of the first. Pure text; only what differs is sent.

    flush changed chains ..... so that nothing refers to what goes
    delete elements .......... (a verdict map's element refers to a chain)
    delete sets, chains ...... that nothing wants
    add chains, sets ......... empty, because elements and rules refer to them
    add elements, rules ......

A table that is not there comes as a block, in the style of `nft list table`, but for its elements: those are commands too, the
same text for all Nodes that have the same, and without indentation, which costs nft a twentieth of its time.

A set whose type changed, or a base chain whose hook changed, cannot be altered in place: then the table is replaced, still in
one transaction, so no packet ever meets a half of it. So it is when a rule comes that uses a `typeof` set which is there
already: nft 1.0.6 forgets what `th` stood for when it reads such a set back ("conflicting protocols specified").

Source: nft(8); works with nft 1.0.6, which knows no `destroy`: what is deleted whole is added first, so that it may be missing
already. Elements to be deleted must be there (adding them first would double the script and fail where a value changed): a
transaction is all or nothing, so observing again heals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.remembered import remembered_each

_NONE: frozenset[Element] = frozenset()
_NAMED_SET = re.compile(r"@([\w-]+)")


def table_script(desired: NftTable | None, observed: NftTable | None) -> str:
    """Return the transaction, "" if there is nothing to do. Its length follows the change, not the size of the table."""
    if desired == observed:
        return ""
    if desired is None:
        return _without(observed) if observed else ""
    if observed is None or _name(desired) != _name(observed) or _needs_replacement(desired, observed):
        gone = _without(observed) if observed and _name(desired) != _name(observed) else ""
        empty = replace(desired, sets=frozenset(replace(item, elements=_NONE) for item in desired.sets))
        return f"{gone}{_without(desired)}{empty}{_lines(desired, empty)}"
    return _lines(desired, observed)


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


def _lines(desired: NftTable, observed: NftTable) -> str:
    return "".join(f"{line}\n" for line in _changes(desired, observed))


def _changes(desired: NftTable, observed: NftTable) -> Iterator[str]:
    table = _name(desired)
    kept = desired.sets & observed.sets
    old_sets, new_sets = _by_name(observed.sets - kept), _by_name(desired.sets - kept)
    old_chains, new_chains = _chains(observed), _chains(desired)
    changed = [chain for name, chain in new_chains.items() if old_chains.get(name) != chain]
    gone = [name for name in old_chains if name not in new_chains]
    pairs = [(old_sets.get(name), item) for name, item in new_sets.items()]
    texts = _texts((item.elements, old.elements if old else _NONE) for old, item in pairs)

    yield from (f"flush chain {table} {chain.name}" for chain in changed if chain.name in old_chains)
    for name in gone:
        yield from (f"add chain {table} {name}", f"flush chain {table} {name}")
    for (_, item), (gone_text, _) in zip(pairs, texts, strict=True):
        yield from _elements("delete", table, item, gone_text)
    for name, item in old_sets.items():
        if name not in new_sets:
            yield from (_declare_set(table, item), f"delete {item.keyword} {table} {name}")
    yield from (f"delete chain {table} {name}" for name in gone)
    for chain in changed:
        if chain.name not in old_chains:  # flushed, or rules would double if it were there already
            yield from (_declare_chain(table, chain), f"flush chain {table} {chain.name}")
    yield from (_declare_set(table, item) for old, item in pairs if old is None)
    for (_, item), (_, new_text) in zip(pairs, texts, strict=True):
        yield from _elements("add", table, item, new_text)
    for chain in changed:
        yield from (f"add rule {table} {chain.name} {rule}" for rule in chain.rules)


def _by_name(sets: Iterable[ElementSet]) -> dict[str, ElementSet]:
    return {item.name: item for item in sorted(sets, key=lambda item: item.name)}


def _chains(table: NftTable) -> dict[str, Chain]:
    return {chain.name: chain for chain in sorted(table.chains)}


def _declare_chain(table: str, chain: Chain) -> str:
    return f"add chain {table} {chain.name}" + (f" {{ {chain.hook} }}" if chain.hook else "")


def _declare_set(table: str, item: ElementSet) -> str:
    declaration = "; ".join(line.strip() for line in item.key_type.splitlines())
    return f"add {item.keyword} {table} {item.name} {{ {declaration}; }}"


@remembered_each
def _texts(elements: frozenset[Element], old: frozenset[Element]) -> tuple[str, str]:
    """What is to be deleted and what is to be added of a set: the same text for all Nodes that have the same elements.

    A deleted element is named by its key alone: its value and comment are what may be out of date.
    """
    gone, new = sorted(old - elements), sorted(elements - old)
    return ", ".join(element.key for element in gone), ", ".join(map(str, new))


def _elements(verb: str, table: str, item: ElementSet, text: str) -> Iterator[str]:
    if text:
        yield f"{verb} element {table} {item.name} {{ {text} }}"
