"""The rules of iptables in a namespace without a listing, as known_rules.py does it for nft.

Rules of iptables-nft are rules of nf_tables: each table that is written raises the namespace's generation by one. To list them
takes iptables-nft 1.8.9 a minute where there are ten thousand Services, and to ask for the generation no time. Those of
iptables-legacy have no such number, and are always listed, which takes that program a second.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from netlab.errors import KernelError
from netlab.kernel import iptables, netns
from netlab.kernel.files import PRIVATE, make_directory, read, replace_text
from netlab.kernel.generation import Generation, generation
from netlab.kernel.iptables_listing import Listed, parse_save
from netlab.netstate.iptables import Family
from netlab.netstate.names import NetnsName
from netlab.plan.steps import ApplyIptables


class Known(NamedTuple):
    """What iptables-nft and ip6tables-nft had at one generation; a family that is absent is not known."""

    at: Generation
    rules: Mapping[Family, Listed]


class KnownIptables:
    """What is known of the iptables rules of namespaces, kept in `directory`; without one nothing is."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._known: dict[NetnsName, Known] = {}
        self._seen: dict[NetnsName, Generation] = {}
        self._unsaved: set[NetnsName] = set()

    def observe(self, name: NetnsName, there: Collection[tuple[str, str]]) -> Iterator[Listed]:
        """Yield what each program has in the thread's namespace, which has this name and the nft tables `there`.

        Raises IptablesError, HostUnready, OSError.
        """
        self._seen.pop(name, None)
        families = iptables.families_of_nft(there)
        now = generation() if self._directory is not None and families else None
        known = self._at(name, now)
        found = {family: known[family] if family in known else iptables.listed("nft", family) for family in families}
        if now is not None:
            self._seen[name] = now
            if found.keys() - known.keys() and generation() == now:
                self._learn(name, Known(now, found))
        yield from found.values()
        yield from (iptables.listed("legacy", family) for family in iptables.families_of_legacy())

    def apply(self, step: ApplyIptables) -> None:
        """Do a step in the thread's namespace, which is the step's. Raises IptablesError, HostUnready, OSError."""
        before = generation() if self._directory is not None and step.variant == "nft" else None
        iptables.restore(step.words, step.script)
        if before is None or not (step.is_whole or self._seen.get(step.netns) == before):
            return
        after = before.later(step.tables)
        if generation() == after:
            others = self._at(step.netns, before)
            self._seen[step.netns] = after
            self._learn(step.netns, Known(after, {**others, step.family: Listed(step.leaves, step.strangers)}))

    def save(self) -> None:
        """Write down what was learned. A disk that is full costs listings and nothing else."""
        if self._directory is not None and self._unsaved:
            with contextlib.suppress(KernelError):
                make_directory(self._directory.parent, PRIVATE)
                make_directory(self._directory, PRIVATE)
                for name in sorted(self._unsaved):
                    replace_text(self._directory / name, _text(self._known[name]))
            self._unsaved.clear()

    def forget(self, names: Iterable[NetnsName]) -> None:
        """Forget namespaces that are no more."""
        for name in names:
            self._known.pop(name, None)
            self._unsaved.discard(name)
            if self._directory is not None:
                (self._directory / netns.path(name).name).unlink(missing_ok=True)

    def _at(self, name: NetnsName, now: Generation | None) -> Mapping[Family, Listed]:
        """Return what is known of a namespace at this generation."""
        known = self._known.get(name)
        if now is not None and (known is None or known.at != now):
            known = self._load(name)
        if now is None or known is None or known.at != now:
            return {}
        self._known[name] = known
        return known.rules

    def _learn(self, name: NetnsName, known: Known) -> None:
        self._known[name] = known
        self._unsaved.add(name)

    def _load(self, name: NetnsName) -> Known | None:
        """Return what the file of a namespace says; None if there is nothing that makes sense."""
        text = read(self._directory / name) if self._directory is not None else None
        try:
            cookie, number, rules = json.loads(text or "")
            return Known(
                Generation(cookie, number),
                {
                    family: Listed(parse_save(ours, "nft", family).ours, parse_save(others, "nft", family).strangers)
                    for family, (ours, others) in rules.items()
                },
            )
        except (ValueError, TypeError, AttributeError):
            return None


def _text(known: Known) -> str:
    rules = {family: [str(part or "") for part in found] for family, found in known.rules.items()}
    return json.dumps([*known.at, rules])
