"""What changes one nftables table into another: nft's words for what it is made of, and elements as what they are.

    first      chains and sets that come: nothing leads to them yet; chains that are there already get all their new rules
    elements   of all sets and maps
    last       chains and sets that go: nothing leads to them any more

Each part is a transaction of its own. All that a Service asks for is elements (desired/service_elements.py), so no packet meets
half of it. As text (`str`) the parts are one script that does the same. Elements are apart because there are many: nft takes
far longer to read ten thousand of them than the kernel to take them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from netlab.netstate.nft import Element


class ElementChange(NamedTuple):
    """Elements that come into a set or a map, or leave it; `key_type` is its declaration."""

    verb: Literal["add", "delete"]
    name: str
    key_type: str
    elements: frozenset[Element]

    def line(self, table: str) -> str:
        """Return nft's line. What is deleted is named by its key alone: its value and comment may be out of date."""
        ordered = sorted(self.elements)
        texts = map(str, ordered) if self.verb == "add" else (element.key for element in ordered)
        return f"{self.verb} element {table} {self.name} {{ {', '.join(texts)} }}\n"


class TableChange(NamedTuple):
    """A change of the table with this family and name. Without any part nothing is to be done."""

    table: str = "inet netlab"
    first: str = ""
    elements: tuple[ElementChange, ...] = ()
    last: str = ""

    def __bool__(self) -> bool:
        """Tell whether anything changes."""
        return bool(self.first or self.elements or self.last)

    def __str__(self) -> str:
        """All of it as one script for `nft -f`."""
        return f"{self.first}{''.join(change.line(self.table) for change in self.elements)}{self.last}"

    def mentions(self, protocol: str) -> bool:
        """Tell whether it may concern packets of a protocol."""
        keys = (element.key for change in self.elements for element in change.elements)
        return protocol in self.first or protocol in self.last or any(protocol in key for key in keys)
