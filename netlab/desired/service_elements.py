"""The elements that frontends add to a table: of which set each is, and which ways and endpoints follow from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from netlab.desired import affinity
from netlab.desired.backends import Target
from netlab.desired.frontend import COMMENT_MAX, Frontend
from netlab.desired.host_ports import HostPort
from netlab.desired.packet_keys import Family, family_of, key_of
from netlab.desired.service_chains import SHORTCUT, Pick, pick_of
from netlab.netstate.nft import Element, ElementSet

# How sets are declared, by their stems; a map has a colon.
_TYPES = {
    "service-ips": "type {key} : verdict",
    "no-endpoint-services": "type {key} : verdict",
    "host-ports": "type {key} : {target}",
    "hairpins": "type {address} . {address}",
    "cluster-ips": "type {address}",
    "node-ips": "type {address}",
    "shortcuts": "type {key} : verdict",
    "guarded-services": "type {key}",
    "source-ranges": "type {key} . {address}\n\t\tflags interval",
}

Part: TypeAlias = Mapping[tuple[str, str], frozenset[Any]]
"""What one frontend adds to a table: elements by the name of their set and its type, its ways (Pick), whom they lead to."""
WAYS, TARGETS = ("", "ways"), ("", "targets")


def part_of(item: Frontend, number: int) -> Part:
    """Return what one frontend adds; `number` is that of a Service port with session affinity."""
    content = Content(number)
    content.add(item)
    return content.part


def element_set(name: str, kind: str, elements: frozenset[Element]) -> ElementSet:
    """Return the set of this name; `kind` is its declaration."""
    return ElementSet(name=name, key_type=kind, is_map=" : " in kind, elements=elements)


class Content:
    """Elements by the set they are in, and the ways that lead to them, while frontends are added.

    `targets` are the addresses of endpoints. The Node that has such a Pod needs a hairpin for it, as its own Node translates
    what a Pod sends, and of ten thousand endpoints a Node has few.
    """

    def __init__(self, number: int = 0) -> None:
        self.picks: set[Pick] = set()
        self.targets: set[str] = set()
        self._number = number
        self._kinds: dict[str, str] = {}
        self._elements: dict[str, set[Element]] = {}

    def sets(self) -> dict[str, ElementSet]:
        """Return all sets and maps by name."""
        return {name: element_set(name, kind, frozenset(self._elements[name])) for name, kind in self._kinds.items()}

    @property
    def part(self) -> Part:
        """All of it."""
        found = {(name, kind): frozenset(self._elements[name]) for name, kind in self._kinds.items()}
        return {WAYS: frozenset(self.picks), TARGETS: frozenset(self.targets), **found}

    def take(self, part: Part) -> None:
        """Add what was made of one frontend."""
        self.picks |= part[WAYS]
        self.targets |= part[TARGETS]
        for (name, kind), elements in part.items():
            if not name:
                continue
            if name not in self._kinds:
                self._kinds[name] = kind
                self._elements[name] = set()
            self._elements[name] |= elements

    def add(self, item: Frontend) -> None:
        """Add what one frontend needs. Of a ClusterIP also that its other ports are refused."""
        family, key = family_of(item.address), key_of(item)
        if item.kind == "ClusterIP":
            self.put(family, "cluster-ips", item.address, item.owner.partition(":")[0][:COMMENT_MAX])
        if item.targets or item.shortcut:
            self._goto(item, "service-ips", pick_of(item, family))
        if item.shortcut:
            self._goto(item, "shortcuts", Pick(SHORTCUT, family, len(item.shortcut), item.affinity_s))
        if not item.targets:
            verdict = "goto refuse" if item.otherwise == "reject" else "drop"
            self.put(family, "no-endpoint-services", key, item.comment, verdict)
        self.targets.update(target.ip for target in item.targets)
        self._endpoints(family, item, item.targets, "")
        for target in (*item.shortcut, *(item.targets if item.masquerade == "never" else ())):
            self.hairpin(target.ip)  # who comes keeps his source, a Pod of another Node too
        self._endpoints(family, item, item.shortcut, "shortcut-")
        if item.sources:
            self.put(family, "guarded-services", key, item.comment)
        for source in item.sources:
            whole = source.removesuffix("/128" if ":" in source else "/32")  # as nft prints the range of one address
            self.put(family, "source-ranges", f"{key} . {whole}", item.comment)

    def add_host_port(self, one: HostPort) -> None:
        """Add a port of a Node that leads to one Pod."""
        family, key = family_of(one.address), f"{one.address} . {one.protocol} . {one.port}"
        self.put(family, "host-ports", key, one.owner[:COMMENT_MAX], f"{one.target} . {one.target_port}")
        self.hairpin(one.target)

    def hairpin(self, ip: str) -> None:
        """Add a Pod that may reach itself through a translation: then it must see the Node as its client."""
        self.put(family_of(ip), "hairpins", f"{ip} . {ip}")

    def ensure(self, family: Family, stem: str) -> set[Element]:
        """Return the elements of the set with this stem, which is there from now on."""
        name = family.name(stem)
        if name not in self._kinds:
            parts = {"key": family.frontend_type, "target": family.target_type, "address": family.address_type}
            self._kinds[name] = _TYPES[stem].format(**parts)
        return self._elements.setdefault(name, set())

    def put(self, family: Family, stem: str, key: str, comment: str = "", value: str = "") -> None:
        """Add an element to the set with this stem."""
        self.ensure(family, stem).add(Element(key, value, comment))

    def _goto(self, item: Frontend, stem: str, pick: Pick) -> None:
        self.picks.add(pick)
        self.put(pick.family, stem, key_of(item), item.comment, f"goto {pick.name}")

    def _endpoints(self, family: Family, item: Frontend, targets: Sequence[Target], stem: str) -> None:
        """The endpoints themselves, a map for each number of them."""
        key, count = key_of(item), len(targets)
        if item.affinity_s and targets:
            remembering = affinity.memory(family, item, self._number)
            for found in (*affinity.endpoint_elements(family, item, targets, stem), *remembering):
                self._typed(*found)
        else:
            kind = f"typeof {family.frontend} . numgen random mod {count} : {family.daddr} . th dport"
            for number, (ip, port) in enumerate(targets):
                element = Element(f"{key} . {number}", f"{ip} . {port}", item.comment)
                self._typed(family.name(f"{stem}endpoints", count), kind, element)

    def _typed(self, name: str, kind: str, element: Element | None) -> None:
        """Add an element to the set of this name, which has this declaration; None: the set alone, packets fill it."""
        self._kinds.setdefault(name, kind)
        elements = self._elements.setdefault(name, set())
        if element is not None:
            elements.add(element)
