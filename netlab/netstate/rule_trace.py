"""What nf_tables tells of a packet that is traced, in Linux words: each rule that matched it and what that rule decided.

Source: nf_tables_trace.c, linux/netfilter/nf_tables.h (nft_trace_attributes), nft(8) MONITOR.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from netlab.netstate.names import NetnsName

TraceKind = Literal["rule", "return", "policy"]


class Rules(NamedTuple):
    """Where a rule is: the family and name of its table, and its chain."""

    family: str
    table: str
    chain: str


class TraceEvent(NamedTuple):
    """One step of a traced packet through the rules of a namespace, in the order in which the kernel took them.

    `identity` is that of the packet's buffer: the same for all steps of one packet in a namespace, and now and then for another
    packet. `kind`: a rule that matched, the end of a chain that was called, the policy of a base chain. `verdict` is nft's word
    (`accept`, `drop`, `continue`, `jump`, `goto`, `return`, ...), with `target` the chain. The headers are there in the first
    step in each base chain: of the network layer at most 40 bytes, of transport at most 20, as they are *before* that chain.
    """

    netns: NetnsName
    identity: int
    where: Rules
    kind: TraceKind
    handle: int
    verdict: str
    target: str
    iif: int
    oif: int
    mark: int
    network_header: bytes
    transport_header: bytes
    time_ns: int


class RuleText(NamedTuple):
    """A rule as nft prints it, with the declaration of its chain if that is a base chain."""

    hook: str
    text: str
