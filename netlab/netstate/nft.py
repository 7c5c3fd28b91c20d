"""nft tables: sets, maps and chains as data, printed in the style of `nft list table`.

Rules are kept as the text nft prints back, so desired and observed compare as text. Elements compare as sets: their order
means nothing. Source: nft(8). What these nouns do not know (flowtables, quotas, ...) netlab never writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from netlab.frozen import dataclass


class Element(NamedTuple):
    """One element: `key` alone in a set, `key : value` in a map; `comment` names the owner, for a human who asks.

    A tuple and not a dataclass, because a lab can have hundreds of thousands, which are sorted and compared.
    """

    key: str
    value: str = ""
    comment: str = ""

    def __str__(self) -> str:
        text = f'{self.key} comment "{self.comment}"' if self.comment else self.key
        return f"{text} : {self.value}" if self.value else text


@dataclass(frozen=True, slots=True, kw_only=True, order=False)
class ElementSet:
    """A set or (if `is_map`) a map. `key_type` is its declaration: `type ipv4_addr`, `typeof ip saddr . ip daddr : ...`."""

    name: str
    key_type: str
    is_map: bool = False
    elements: frozenset[Element] = frozenset()

    @property
    def keyword(self) -> str:
        """`set` or `map`."""
        return "map" if self.is_map else "set"

    def lines(self) -> Iterator[str]:
        """Yield the lines of its block, elements sorted."""
        yield f"\t{self.keyword} {self.name} {{"
        yield f"\t\t{self.key_type}"
        if self.elements:
            body = ",\n\t\t\t     ".join(str(element) for element in sorted(self.elements))
            yield f"\t\telements = {{ {body} }}"
        yield "\t}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Chain:
    """A chain. `hook` is a base chain's declaration (`type nat hook prerouting priority dstnat; policy accept;`) or ""."""

    name: str
    hook: str = ""
    rules: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the lines of its block."""
        yield f"\tchain {self.name} {{"
        if self.hook:
            yield f"\t\t{self.hook}"
        yield from (f"\t\t{rule}" for rule in self.rules)
        yield "\t}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NftTable:
    """The one table a Node has: `table inet netlab`. Sets and chains are sorted by name when printed."""

    family: str = "inet"
    name: str = "netlab"
    sets: frozenset[ElementSet] = frozenset()
    chains: frozenset[Chain] = frozenset()

    def __str__(self) -> str:
        """The table as `nft list table` would print it; also valid input for `nft -f`."""
        lines = [f"table {self.family} {self.name} {{"]
        blocks = [tuple(item.lines()) for item in sorted(self.sets, key=lambda item: item.name)]
        blocks += [tuple(chain.lines()) for chain in sorted(self.chains)]
        for number, block in enumerate(blocks):
            lines += [""] if number else []
            lines += block
        return "\n".join((*lines, "}")) + "\n"
