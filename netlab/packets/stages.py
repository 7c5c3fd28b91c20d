"""The stages of a packet's way through a Node's rules for Services, of both kinds: what does the same stands together.

One table for all who show rules: `describe`, `proxy diff` and `rules`. Within a stage the sets, maps and chains of nft stand in
the order in which a packet meets them. Source: desired/services.py, desired/iptables_services.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from netlab.netstate.iptables import IptablesRules
from netlab.netstate.nft import Element, NftTable

_ENDING: Final = re.compile(r"6?(?:-\d+)*$")  # IPv6, a number of endpoints, seconds
_VARIANT: Final = re.compile(r"^(?:affine-|shortcut-)+")


class Stage(NamedTuple):
    """What happens to a packet, and what does it: sets, maps and chains of nft; chains of iptables by table and beginning."""

    title: str
    nft: tuple[str, ...]
    iptables: tuple[tuple[str, str], ...]


STAGES: Final = (
    Stage(
        "Who may come",
        ("filter-prerouting", "filter-output-pre-dnat", "guarded-services", "source-ranges", "guard"),
        (("nat", "KUBE-FW-"), ("filter", "KUBE-PROXY-FIREWALL")),
    ),
    Stage("Whose packet it is", ("service-ips", "affinity-ids"), (("nat", "KUBE-SERVICES"), ("nat", "KUBE-NODEPORTS"))),
    Stage(
        "Whose source is replaced, and who is spared a policy",
        ("service", "external", "local", "shortcuts"),
        (("nat", "KUBE-EXT-"),),
    ),
    Stage(
        "Which endpoint",
        ("shortcut", "remember", "affinity-clients", "slots", "pick"),
        (("nat", "KUBE-SVC-"), ("nat", "KUBE-SVL-")),
    ),
    Stage("The endpoint itself", ("endpoints", "hairpins"), (("nat", "KUBE-SEP-"),)),
    Stage(
        "Nobody to go to",
        ("no-endpoint-services", "cluster-ips"),
        (("filter", "KUBE-SERVICES"), ("filter", "KUBE-EXTERNAL-SERVICES")),
    ),
    Stage("The Node's own answer", (), (("filter", "KUBE-NODEPORTS"),)),
)
_NFT: Final = {
    stem: (number, place) for number, stage in enumerate(STAGES) for place, stem in enumerate(stage.nft)
}  # fmt: skip
_LAST: Final = (len(STAGES), 0)


class Block(NamedTuple):
    """A chain, set or map with its rules or elements; `program` is `nft` or one of iptables, whose tables `table` names."""

    program: str
    table: str
    keyword: str
    name: str
    items: tuple[str | Element, ...]

    @property
    def lines(self) -> list[str]:
        """The rules, and the elements without their owners, as text."""
        return [item if isinstance(item, str) else element_text(item) for item in self.items]

    @property
    def order(self) -> tuple[int, int, bool, str]:
        """Where a packet meets it, the number of the stage first; sets before the chains of the same place."""
        return (*_stage(self), self.keyword == "chain", self.name)

    @property
    def stage(self) -> int:
        """Its index in STAGES; their number for what is in none, as what strangers made."""
        return self.order[0]


def element_text(element: Element) -> str:
    """Return an element without its owner."""
    return f"{element.key} : {element.value}" if element.value else element.key


def raw_stem(name: str) -> str:
    """Return what a name of nft says without family and numbers: `affine-endpoints` of `affine-endpoints6`."""
    return _ENDING.sub("", name)


def _stage(block: Block) -> tuple[int, int]:
    if block.program == "nft":
        return _NFT.get(_VARIANT.sub("", raw_stem(block.name)), _LAST)
    for number, stage in enumerate(STAGES):
        for place, (table, beginning) in enumerate(stage.iptables):
            if block.table == table and block.name.startswith(beginning):
                return number, place
    return _LAST


def nft_blocks(table: NftTable) -> list[Block]:
    """Return all of a table of nft on the way of a packet."""
    return sorted(_nft(table), key=lambda block: block.order)


def _nft(table: NftTable) -> Iterator[Block]:
    where = f"{table.family} {table.name}"
    for item in table.sets:
        yield Block("nft", where, item.keyword, item.name, tuple(sorted(item.elements)))
    for chain in table.chains:
        yield Block("nft", where, "chain", chain.name, chain.rules)


def iptables_blocks(rules: IptablesRules) -> list[Block]:
    """Return the chains of a program of iptables that hold rules, on the way of a packet."""
    found = (
        Block(rules.program, table.name, "chain", chain.name, chain.rules)
        for table in rules.by_name.values()
        for chain in table.by_name.values()
        if chain.rules
    )
    return sorted(found, key=lambda block: block.order)
