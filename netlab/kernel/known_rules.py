"""The rules of a namespace without a listing: what they were when they were last written or listed, and at which generation.

    look   the generation is the noted one  ->  the noted table is the table
           it is another one                ->  somebody else changed rules: list them, say what was noted, note that
    apply  note what the step leaves, if nobody else changed anything between the look and it, or between it and the note

A note is never wrong and at worst worthless: it is made after the rules, so whoever is killed in between leaves an old one; the
generation counts the changes of everybody, and a namespace that was made anew has another cookie (generation.py). Rules of
iptables-nft in the same namespace are changes too (known_iptables.py).

A file for each namespace; sets of many elements are files of their own, named by their content, as the Nodes of a lab have the
same ones. In one process a table that was noted is the same object that was wished, so comparing them takes no time.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from netlab.errors import KernelError
from netlab.kernel import netns, nft, table_changes
from netlab.kernel.files import PRIVATE, make_directory, read, replace_text
from netlab.kernel.generation import Generation, generation, generations
from netlab.kernel.known_iptables import KnownIptables
from netlab.netstate.names import NetnsName, digest
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.plan.steps import ApplyNft

FEW: Final = 64  # elements that stand in the namespace's own file
ELEMENTS: Final = "elements"

Known = tuple[Generation, NftTable]


class SeenRules(NamedTuple):
    """The table that is there, and what it was when it was noted, if it is not that any more."""

    table: NftTable | None
    noted: NftTable | None = None


class KnownRules:
    """What is known of the rules of namespaces, kept in `directory`; without one nothing is, and rules are always listed."""

    def __init__(self, directory: Path | None = None) -> None:
        self.iptables = KnownIptables(directory / "iptables" if directory else None)
        self._directory = directory
        self._known: dict[NetnsName, Known] = {}
        self._seen: dict[NetnsName, Generation] = {}
        self._unsaved: set[NetnsName] = set()
        # The files of elements, by the identity of these: to compare ten thousand with others takes as long as to write them.
        self._files: dict[int, tuple[str, frozenset[Element]]] = {}

    def observe(self, name: NetnsName, there: Collection[tuple[str, str]]) -> SeenRules:
        """Return the table of the thread's namespace, which has this name and the tables `there`. Raises NftError, OSError."""
        self._seen.pop(name, None)
        is_there = (nft.FAMILY, nft.TABLE) in there
        now = generation() if self._directory is not None and is_there else None
        known = self._known.get(name)
        if known is None or known[0] != now:  # another process may have noted something since
            known = self._newest(name)
        if known and now is None:
            now = generation()
        if now is None:
            return SeenRules(nft.observe(there))
        if known and known[0].cookie != now.cookie:
            known = None
        if not is_there:
            return SeenRules(None, known[1] if known else None)
        self._seen[name] = now
        if known and known[0] == now:
            self._known[name] = known
            return SeenRules(known[1])
        table = nft.observe(there)
        if table is not None and generation() == now:
            self._learn(name, now, table)
        return SeenRules(table, known[1] if known and known[1] != table else None)

    def recognize(self, name: NetnsName, table: NftTable) -> None:
        """Hold `table` in place of what is known of a namespace, to which it is equal: it may be that of another process.

        Only where what is known is what was seen last: rules that change while they are listed are not noted.
        """
        known = self._known.get(name)
        if known is None or known[1] is table or known[0] != self._seen.get(name):
            return
        self._known[name] = known[0], table
        mine = {one.name: one.elements for one in table.sets}
        for one in known[1].sets:
            if found := self._files.pop(id(one.elements), None):
                self._files[id(mine[one.name])] = found[0], mine[one.name]

    def apply(self, step: ApplyNft) -> None:
        """Do the change of a step in the thread's namespace, which is the step's. Raises NftError, OSError."""
        with generations() as newest:
            before = newest() if self._directory is not None else None
            count = table_changes.apply(step.change)
            is_sure = before is not None and (step.is_whole or self._seen.get(step.netns) == before)
            if before is not None and is_sure and step.leaves is not None and newest() == (after := before.later(count)):
                self._seen[step.netns] = after
                self._learn(step.netns, after, step.leaves)
            elif step.leaves is None:
                self.forget([step.netns])

    def save(self) -> None:
        """Write down what was learned. What cannot be written down costs a listing and nothing else."""
        self.iptables.save()
        if self._directory is not None and self._unsaved:
            with contextlib.suppress(KernelError, OSError):
                make_directory(self._directory, PRIVATE)
                make_directory(self._directory / ELEMENTS, PRIVATE)
                for name in sorted(self._unsaved):
                    with contextlib.suppress(ValueError):
                        replace_text(self._directory / name, self._text(*self._known[name]))
                self._clear_elements()
            self._unsaved.clear()

    def forget(self, names: Iterable[NetnsName]) -> None:
        """Forget namespaces that are no more."""
        names = tuple(names)
        self.iptables.forget(names)
        for name in names:
            self._known.pop(name, None)
            self._unsaved.discard(name)
            if self._directory is not None:
                (self._directory / netns.path(name).name).unlink(missing_ok=True)

    def _newest(self, name: NetnsName) -> Known | None:
        """Return what was noted last of a name, by this process or by another one; its namespace may be another one by now."""
        here, kept = self._known.get(name), self._load(name)
        if here and kept and (here[0].cookie != kept[0].cookie or here[0].number < kept[0].number):
            return kept
        return here or kept

    def _learn(self, name: NetnsName, now: Generation, table: NftTable) -> None:
        self._known[name] = now, table
        self._unsaved.add(name)

    def _text(self, now: Generation, table: NftTable) -> str:
        """The file of a namespace; those of its large sets are written."""
        sets = [
            [one.name, one.key_type, one.is_map, self._file(one.elements) if len(one.elements) > FEW else sorted(one.elements)]
            for one in table.sets
        ]
        chains = [[chain.name, chain.hook, chain.rules] for chain in table.chains]
        return json.dumps([*now, table.family, table.name, sorted(sets, key=lambda one: str(one[0])), sorted(chains)])

    def _file(self, elements: frozenset[Element]) -> str:
        """Return the name of the file that holds these elements, written unless it is there."""
        name, _ = self._files.get(id(elements), ("", elements))
        if not name or not self._path(name).exists():
            text = _lines(elements)
            name = digest(text)
            replace_text(self._path(name), text)
            self._files[id(elements)] = name, elements
        return name

    def _load(self, name: NetnsName) -> Known | None:
        """Return what the files say of a namespace; None if there is nothing that makes sense."""
        text = read(self._directory / name) if self._directory is not None else None
        if not text:
            return None
        self._forget_elements()
        try:
            cookie, number, family, table, sets, chains = json.loads(text)
            return Generation(cookie, number), NftTable(
                family=family,
                name=table,
                sets=frozenset(
                    ElementSet(name=one, key_type=kind, is_map=is_map, elements=self._elements(elements))
                    for one, kind, is_map, elements in sets
                ),
                chains=frozenset(Chain(name=one, hook=hook, rules=tuple(rules)) for one, hook, rules in chains),
            )
        except (ValueError, TypeError):
            return None

    def _elements(self, found: Any) -> frozenset[Element]:
        """Return the elements that stand here, or in the file of that name."""
        if not isinstance(found, str):
            return frozenset(Element(*one) for one in found)
        for name, elements in self._files.values():
            if name == found:
                return elements
        text = read(self._path(found))
        if text is None:
            raise ValueError(found)
        elements = frozenset(Element(*line.split("\t")) for line in text.split("\n"))
        self._files[id(elements)] = found, elements
        return elements

    def _forget_elements(self) -> None:
        """Forget elements that no namespace has any more, as far as is known: another process has removed their files."""
        used = {id(one.elements) for _, table in self._known.values() for one in table.sets}
        self._files = {number: one for number, one in self._files.items() if number in used}

    def _path(self, name: str) -> Path:
        if self._directory is None:
            raise ValueError("there is no directory")
        return self._directory / ELEMENTS / Path(name).name

    def _clear_elements(self) -> None:
        """Remove the files of elements that no namespace has any more."""
        if self._directory is None:
            return
        texts = [read(path) or "" for path in self._directory.iterdir() if path.is_file()]
        for path in (self._directory / ELEMENTS).iterdir():
            if not any(f'"{path.name}"' in text for text in texts):
                path.unlink(missing_ok=True)
                self._files = {number: one for number, one in self._files.items() if one[0] != path.name}


def _lines(elements: frozenset[Element]) -> str:
    """A line for each element, in no order. Raises ValueError if one is no line, as a comment by hand may be."""
    text = "\n".join(map("\t".join, elements))
    if (text.count("\t"), text.count("\n")) != (2 * len(elements), len(elements) - 1):
        raise ValueError("an element holds a tab or the end of a line")
    return text
