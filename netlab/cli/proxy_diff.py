"""One Service in both kinds of rules, in two columns: what does the same stands side by side, on the way of a packet."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from netlab.frozen import dataclass
from netlab.netstate.iptables import PROGRAMS, IptablesRules
from netlab.netstate.nft import NftTable

_ENDING = re.compile(r"6?(?:-\d+)*$")  # IPv6, a number of endpoints, seconds
NARROWEST, WIDEST = 80, 240
GAP = "  |  "


@dataclass(frozen=True, slots=True)
class Stage:
    """What happens to a packet, and what does it: sets, maps and chains of nft, chains of iptables by table and beginning."""

    title: str
    nft: tuple[str, ...]
    iptables: tuple[tuple[str, str], ...]


STAGES = (
    Stage(
        "Who may come",
        ("guarded-services", "source-ranges"),
        (("nat", "KUBE-FW-"), ("filter", "KUBE-PROXY-FIREWALL")),
    ),
    Stage("Whose packet it is", ("service-ips", "affinity-ids"), (("nat", "KUBE-SERVICES"), ("nat", "KUBE-NODEPORTS"))),
    Stage(
        "Whose source is replaced, and who is spared a policy",
        ("service", "external", "local", "shortcuts"),
        (("nat", "KUBE-EXT-"),),
    ),
    Stage("Which endpoint", (), (("nat", "KUBE-SVC-"), ("nat", "KUBE-SVL-"))),
    Stage("The endpoint itself", ("endpoints", "hairpins"), (("nat", "KUBE-SEP-"),)),
    Stage(
        "Nobody to go to",
        ("no-endpoint-services", "cluster-ips"),
        (("filter", "KUBE-SERVICES"), ("filter", "KUBE-EXTERNAL-SERVICES")),
    ),
    Stage("The Node's own answer", (), (("filter", "KUBE-NODEPORTS"),)),
)
CHOICE = 3
"""The stage of all that is named in no other: how an endpoint is drawn and remembered has many names in nft."""


def texts(table: NftTable, rules: Sequence[IptablesRules]) -> Iterator[str]:
    """Yield both as the programs print them: a table of nft, and for each family the lines of its iptables-save."""
    yield str(table)
    yield from map(str, rules)


def side_by_side(table: NftTable, rules: Sequence[IptablesRules], width: int) -> Iterator[str]:
    """Yield the lines of both in two columns that take `width` characters together."""
    column = (min(WIDEST, max(NARROWEST, width)) - len(GAP)) // 2
    yield _line(f"nftables: {table.family} {table.name}", f"iptables: {', '.join(one.program for one in rules)}", column)
    for title, *columns in stages(table, rules):
        yield from ("", f"{title}:")
        left, right = ([part for line in lines or ["  -"] for part in _folded(line, column)] for lines in columns)
        yield from (_line(one, other, column) for one, other in zip_longest(left, right, fillvalue=""))


def _line(left: str, right: str, column: int) -> str:
    return f"{left:<{column}}{GAP}{right}".rstrip()


def _folded(line: str, column: int) -> list[str]:
    """A line in as many as it needs, the later ones further in; a word that is too long for any is cut."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line, column, initial_indent="", subsequent_indent=f"{indent}    ", drop_whitespace=True, break_on_hyphens=False
    ) or [""]


def stages(table: NftTable, rules: Sequence[IptablesRules]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each stage that either has, with the lines of both."""
    left = {number: list(lines) for number, lines in _by_stage_of_nft(table).items()}
    for number, stage in enumerate(STAGES):
        right = [line for name, beginning in stage.iptables for line in _chains(rules, name, beginning)]
        if left.get(number) or right:
            yield stage.title, left.get(number, []), right


def _by_stage_of_nft(table: NftTable) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for item in sorted(table.sets, key=lambda one: one.name):
        elements = (f"    {one.key} : {one.value}" if one.value else f"    {one.key}" for one in sorted(item.elements))
        found.setdefault(_stage(item.name), []).extend((f"  {item.keyword} {item.name}", *elements))
    for chain in sorted(table.chains):
        found.setdefault(_stage(chain.name), []).extend((f"  chain {chain.name}", *(f"    {rule}" for rule in chain.rules)))
    return found


def _stage(name: str) -> int:
    stem = _ENDING.sub("", name).removeprefix("affine-").removeprefix("shortcut-")
    return next((number for number, stage in enumerate(STAGES) if stem in stage.nft), CHOICE)


def _chains(rules: Sequence[IptablesRules], name: str, beginning: str) -> Iterator[str]:
    for one in rules:
        table = one.by_name.get(name)
        where = [word for word in (name if name != "nat" else "", PROGRAMS[one.family] if one.family != "ip" else "") if word]
        for chain in table.by_name.values() if table else ():
            if chain.name.startswith(beginning) and chain.rules:
                yield f"  {chain.name}" + (f" ({', '.join(where)})" if where else "")
                yield from (f"    {rule}" for rule in chain.rules)
