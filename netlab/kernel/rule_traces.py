"""What the rules of a namespace do to packets that are marked for tracing: nf_tables' own trace messages, read and parsed.

The mark (`meta nftrace set 1`) is set by a table that the kernel deletes when this process ends, however it ends: the table
belongs to the netlink socket that made it. Nothing of anybody's rules is touched. The packets of iptables-nft are traced by the
same messages; iptables-legacy logs instead (nflog.py). Source: nf_tables_trace.c, nf_tables_api.c (NFT_TABLE_F_OWNER).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final

from netlab.kernel import netns, nft
from netlab.kernel.netfilter_groups import GroupListener
from netlab.kernel.netlink import NETLINK_NETFILTER, Message, NetlinkSocket, attributes
from netlab.netstate.names import NetnsName
from netlab.netstate.rule_trace import Rules, RuleText, TraceEvent, TraceKind

_GROUP: Final = 9  # NFNLGRP_NFTRACE
_NFT_MSG_TRACE: Final = (10 << 8) | 17
_NFGENMSG_BYTES: Final = 4
_TABLE, _CHAIN, _HANDLE, _TYPE, _VERDICT, _ID, _NETWORK, _TRANSPORT, _IIF, _OIF, _MARK, _POLICY = (
    1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16,
)  # fmt: skip
_CODE, _TARGET = 1, 2
_KINDS: Final[Mapping[int, TraceKind]] = {1: "policy", 2: "return", 3: "rule"}
_VERDICTS: Final = {
    0: "drop", 1: "accept", 2: "stolen", 3: "queue", 4: "repeat", -1: "continue", -2: "break", -3: "jump", -4: "goto",
    -5: "return",
}  # fmt: skip
_NFT_MSG_GETRULE: Final = (10 << 8) | 7
_RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE = 1, 2, 3
_OF_IPTABLES: Final = frozenset({"nat", "filter", "mangle", "raw", "security"})
_BUILT_IN: Final = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})
_PLAIN: Final = re.compile(r"\w+ [a-zA-Z_][\w./-]*")
_TABLE_LINE: Final = re.compile(r"table (\S+) (\S+) \{")
_CHAIN_LINE: Final = re.compile(r"chain (\S+) \{")
_HANDLE_END: Final = re.compile(r"(.*?) # handle (\d+)")


class RuleTraces(GroupListener):
    """The trace messages of the thread's namespace, from now on."""

    def __init__(self, name: NetnsName) -> None:
        super().__init__(name, (_GROUP,))

    def read(self) -> Iterator[TraceEvent]:
        """Yield what has come."""
        for kind, _, payload in self.heard():
            if kind == _NFT_MSG_TRACE:
                yield parse(self.name, payload, time.time_ns())


def parse(name: NetnsName, payload: bytes, time_ns: int) -> TraceEvent:
    """Return the event that a message of the group tells. Raises KeyError, struct.error for one that is none."""
    found = attributes(payload, _NFGENMSG_BYTES)
    verdict = attributes(found.get(_VERDICT, b""))
    code = verdict.get(_CODE) or found.get(_POLICY) or b"\xff\xff\xff\xff"
    return TraceEvent(
        netns=name,
        identity=_number(found, _ID),
        where=Rules(nft.FAMILIES.get(payload[0], str(payload[0])), _text(found, _TABLE), _text(found, _CHAIN)),
        kind=_KINDS[_number(found, _TYPE)],
        handle=_number(found, _HANDLE),
        verdict=_VERDICTS.get(int.from_bytes(code, "big", signed=True), "unknown"),
        target=_text(verdict, _TARGET),
        iif=_number(found, _IIF),
        oif=_number(found, _OIF),
        mark=_number(found, _MARK),
        network_header=found.get(_NETWORK, b""),
        transport_header=found.get(_TRANSPORT, b""),
        time_ns=time_ns,
    )


def _number(found: Mapping[int, bytes], kind: int) -> int:
    return int.from_bytes(found.get(kind, b""), "big")


def _text(found: Mapping[int, bytes], kind: int) -> str:
    return found.get(kind, b"").rstrip(b"\0").decode(errors="replace")


def with_rules(names: Iterable[NetnsName]) -> tuple[NetnsName, ...]:
    """Return those of the namespaces that have rules of nf_tables, whoever made them. Raises KernelError, OSError."""
    wanted = sorted(names)
    found = netns.run_in_threads([partial(netns.in_namespace, name, nft.tables) for name in wanted])
    return tuple(name for name, tables in zip(wanted, found, strict=True) if tables)


def rule_texts() -> dict[tuple[Rules, int], RuleText]:
    """Return the rules of the thread's namespace by place and handle; under handle 0 each chain itself, with its hook alone.

    Elements of sets and maps are not read: with ten thousand Services it takes no longer than with ten. Of the tables that
    iptables-nft keeps the text is "": nft has other words for them than iptables. Raises NftError, OSError.
    """
    found: dict[tuple[Rules, int], RuleText] = {}
    tables = {table for table in nft.tables() if _PLAIN.fullmatch(" ".join(table))}
    theirs = {(family, name) for family, name in tables if family in {"ip", "ip6"} and name in _OF_IPTABLES}
    for family, name in sorted(tables - theirs):
        found |= _listed(family, name)
    return found | (_handles(theirs) if theirs else {})


def _listed(family: str, name: str) -> dict[tuple[Rules, int], RuleText]:
    """The rules of a table; none if it has just gone, as that of another trace does."""
    try:
        return parse_rules(nft.run(f"list table {family} {name}", flags=nft.HANDLES | nft.TERSE | nft.STATELESS))
    except nft.NftError:
        if (family, name) in nft.tables():
            raise
        return {}


def _handles(tables: AbstractSet[tuple[str, str]]) -> dict[tuple[Rules, int], RuleText]:
    """The rules of these tables by place and handle, without their text, in the order of their chains."""
    with NetlinkSocket(NETLINK_NETFILTER) as netlink:
        payloads = netlink.dump(Message(_NFT_MSG_GETRULE, 0, bytes(_NFGENMSG_BYTES)))
    found: dict[tuple[Rules, int], RuleText] = {}
    for payload in payloads:
        values = attributes(payload, _NFGENMSG_BYTES)
        where = Rules(nft.FAMILIES.get(payload[0], ""), _text(values, _RULE_TABLE), _text(values, _RULE_CHAIN))
        if (where.family, where.table) in tables:
            kind = "nat" if where.table == "nat" else "filter"
            hook = f"type {kind} hook {where.chain.lower()} " if where.chain in _BUILT_IN else ""
            found[where, 0] = RuleText(hook, "")
            found[where, _number(values, _RULE_HANDLE)] = RuleText(hook, "")
    return found


def parse_rules(listing: str) -> dict[tuple[Rules, int], RuleText]:
    """Return the rules of a listing by `nft -a -s -t list ruleset`, by place and handle."""
    found: dict[tuple[Rules, int], RuleText] = {}
    family = table = chain = hook = ""
    for line in listing.splitlines():
        text = line.strip()
        text, handle = (ended[1], int(ended[2])) if (ended := _HANDLE_END.fullmatch(text)) else (text, 0)
        if opening := _TABLE_LINE.fullmatch(text):
            family, table, chain = opening[1], opening[2], ""
        elif opening := _CHAIN_LINE.fullmatch(text):
            chain, hook = opening[1], ""
            found[Rules(family, table, chain), 0] = RuleText("", "")
        elif text == "}":
            chain = ""
        elif chain and text.startswith("type ") and not handle:
            hook = text
            found[Rules(family, table, chain), 0] = RuleText(hook, "")
        elif chain and handle:
            found[Rules(family, table, chain), handle] = RuleText(hook, text)
    return found
