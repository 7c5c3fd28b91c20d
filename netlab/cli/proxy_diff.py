"""One Service in both kinds of rules, in two columns: what does the same stands side by side, on the way of a packet."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from netlab.netstate.iptables import PROGRAMS, IptablesRules
from netlab.netstate.nft import NftTable
from netlab.packets.stages import STAGES, Block, iptables_blocks, nft_blocks

NARROWEST, WIDEST = 80, 240
GAP = "  |  "


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
    left = [(block, f"{block.keyword} {block.name}") for block in nft_blocks(table)]
    right = [(block, f"{block.name}{_where(block, one)}") for one in rules for block in iptables_blocks(one)]
    for number, stage in enumerate(STAGES):
        one, other = (
            [line for block, head in side if block.stage == number for line in _lines(block, head)] for side in (left, right)
        )
        if one or other:
            yield stage.title, one, other


def _lines(block: Block, head: str) -> Iterator[str]:
    yield f"  {head}"
    yield from (f"    {line}" for line in block.lines)


def _where(block: Block, rules: IptablesRules) -> str:
    """Which table it is in, and of which program, where that is not the usual one."""
    words = [block.table if block.table != "nat" else "", PROGRAMS[rules.family] if rules.family != "ip" else ""]
    return f" ({', '.join(word for word in words if word)})" if any(words) else ""
