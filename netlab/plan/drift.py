"""What somebody has changed by hand, in a few words: for the one who did it and the one who wonders. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from netlab.netstate.nft import NftTable
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddLink,
    AddRoute,
    ApplyIptables,
    CreateNamespace,
    DeleteAddress,
    DeleteEntry,
    DeleteLink,
    DeleteRoute,
    SetMtu,
    SetSysctl,
    Step,
)

_PLURALS: Final = {
    "address": "addresses",
    "entry of a tunnel": "entries of tunnels",
    "set of iptables rules": "sets of iptables rules",
}


def changed_rules(before: NftTable, found: NftTable | None) -> str:
    """Say what of a table was changed: `table inet netlab: 3 elements and 1 rule were changed by hand`."""
    table = f"table {before.family} {before.name}"
    if found is None:
        return f"{table} was deleted by hand"
    old_sets, new_sets = ({item.name: item for item in one.sets} for one in (before, found))
    old_chains, new_chains = ({item.name: item for item in one.chains} for one in (before, found))
    counts: Counter[str] = Counter()
    for name in sorted(old_sets.keys() | new_sets.keys()):
        old, new = old_sets.get(name), new_sets.get(name)
        if old and new and old.key_type == new.key_type:
            counts["element"] += len({element.key for element in old.elements ^ new.elements})
        else:
            counts[(old or new or old_sets[name]).keyword] += 1
    for name in sorted(old_chains.keys() | new_chains.keys()):
        was, now = old_chains.get(name), new_chains.get(name)
        if was and now and was.hook == now.hook:
            counts["rule"] += _differing(was.rules, now.rules)
        else:
            counts["chain"] += 1
    return f"{table}: {_changed(counts)}"


def _differing(old: Sequence[str], new: Sequence[str]) -> int:
    """How many rules came or went, whichever are more; at least one, for those that are there in another order."""
    before, after = Counter(old), Counter(new)
    return max((before - after).total(), (after - before).total(), int(old != new))


def repaired(steps: Sequence[Step]) -> str:
    """Say what the steps in one namespace put back besides its nft table: `2 routes and 1 link were changed by hand`, or ""."""
    if any(isinstance(step, CreateNamespace) for step in steps):
        return "the network namespace was deleted by hand"
    things = dict.fromkeys(thing for step in steps if (thing := _thing(step)))
    return _changed(Counter(noun for noun, _ in things)) if things else ""


def _thing(step: Step) -> tuple[str, object] | None:
    """What a step is about; of a link that is made anew there are two."""
    match step:
        case AddLink():
            return "link", step.link.name
        case DeleteLink() | SetMtu():
            return "link", step.name
        case AddAddress() | DeleteAddress():
            return "address", (step.address.dev, step.address.address)
        case AddEntry() | DeleteEntry():
            return "entry of a tunnel", str(step.entry)
        case AddRoute() | DeleteRoute():
            return "route", step.route.place
        case SetSysctl():
            return "sysctl", step.sysctl.key
        case ApplyIptables():
            return "set of iptables rules", step.words
        case _:
            return None


def _changed(counts: Mapping[str, int]) -> str:
    words = [f"{count} {noun if count == 1 else _PLURALS.get(noun, f'{noun}s')}" for noun, count in counts.items() if count]
    text = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    return f"{text} {'was' if sum(counts.values()) == 1 else 'were'} changed by hand"
