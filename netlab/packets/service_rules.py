"""What one Service causes on a machine, rule by rule and element by element, compared with what is there. Pure.

desired .... what the Service alone adds to a Node's rules (desired/compile.py)
seen ....... the Node's rules as the kernel has them
state ...... `there`; `moved`: at another place among its chain's rules; `missing`; or `more`: nobody asked for it, and it
             carries the Service's name or is in its way
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from netlab.desired.assignments import Assignments
from netlab.desired.compile import iptables_parts, service_part
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.service import Service
from netlab.netstate.iptables import TABLES
from netlab.netstate.names import OUTSIDE
from netlab.netstate.nft import Element
from netlab.netstate.state import Namespace
from netlab.packets.reasons import Reason, Reasons
from netlab.packets.stages import STAGES, Block, element_text, iptables_blocks, nft_blocks

State = Literal["there", "moved", "missing", "more"]
NOBODY: Final = Reason("", "Nobody asked for this: the Service as it is does not cause it.")
OTHERS: Final = "Rules of others"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRule:
    """One rule or element. `where` is its chain, set or map, as `block` names it; `path` and `why` are of reasons.py."""

    stage: str
    program: str
    table: str
    block: str
    name: str
    text: str
    state: State
    path: str
    why: str


class _At(NamedTuple):
    """Where a block is: its program, its table, its name."""

    program: str
    table: str
    name: str


def service_rules(
    cluster: Cluster, assignments: Assignments, service: Service, node: str, seen: Namespace
) -> tuple[ServiceRule, ...]:
    """Return all that a Service causes on a Node, on the way of a packet. `seen` is the Node's namespace as it is.

    It may be the machine outside, which is the load balancer then, and has rules of nft whatever the Nodes' mode is.
    """
    reasons = Reasons(cluster, assignments, service, node)
    if node == OUTSIDE or cluster.lab.spec.proxy_mode(node) == "nftables":
        wished = nft_blocks(service_part(cluster, assignments, service, node))
        found = nft_blocks(seen.table) if seen.table else []
    else:
        wished = [block for part in iptables_parts(cluster, assignments, service, node) for block in iptables_blocks(part)]
        found = [block for rules in sorted(seen.iptables, key=lambda one: one.family) for block in iptables_blocks(rules)]
    return tuple(_compared(wished, found, reasons))


def _compared(wished: Sequence[Block], found: Sequence[Block], reasons: Reasons) -> Iterator[ServiceRule]:
    known = {_at(block): block for block in wished}
    there = {_at(block): block for block in found}
    foreign = [block for block in found if _at(block) not in known]
    for block in sorted((*wished, *foreign), key=lambda block: (block.order, block.program)):
        is_wished = _at(block) in known
        seen = there.get(_at(block))
        states = _states(block.items if is_wished else (), seen.items if seen else (), block, reasons)
        for item, state in states:
            yield _rule(block, item, state, reasons)


def _at(block: Block) -> _At:
    return _At(block.program, block.table, block.name)


def _states(
    wished: Sequence[str | Element], seen: Iterable[str | Element], block: Block, reasons: Reasons
) -> Iterator[tuple[str | Element, State]]:
    """Yield what is wished, there or missing, in the order of the wish; behind it what there is more of this Service."""
    left: list[str | Element | None] = [*seen]
    found: list[int | None] = []
    for item in wished:
        found.append(left.index(item) if item in left else None)
        if found[-1] is not None:
            left[found[-1]] = None
    present = [one for one in found if one is not None]
    settled = in_order(present) if block.keyword == "chain" else frozenset(present)
    for item, one in zip(wished, found, strict=True):
        yield item, "missing" if one is None else "there" if one in settled else "moved"
    is_own = block.keyword == "chain" and bool(wished) and block.name not in _SHARED
    for other in left:
        if other is not None and (is_own or (block.name not in _BUILT_IN and reasons.is_mine(block.name, other))):
            yield other, "more"


def in_order(places: Sequence[int]) -> frozenset[int]:
    """Return the most of these places that follow each other in order: who moves the others, moves as few as can be."""
    shortest: list[tuple[int, ...]] = []  # for each length, of the rows of that length the one that ends first
    for place in places:
        at = bisect_left(shortest, place, key=lambda row: row[-1])
        shortest[at : at + 1] = [(*(shortest[at - 1] if at else ()), place)]
    return frozenset(shortest[-1]) if shortest else frozenset()


_BUILT_IN: Final = frozenset(name for names in TABLES.values() for name in names)
_SHARED: Final[frozenset[str]] = frozenset(
    {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL", *_BUILT_IN}
)
"""Chains in which rules of many Services stand."""


def _rule(block: Block, item: str | Element, state: State, reasons: Reasons) -> ServiceRule:
    reason = reasons.of(block.name, item)
    if state == "more" or reason is None:
        reason = NOBODY
    return ServiceRule(
        stage=STAGES[block.stage].title if block.stage < len(STAGES) else OTHERS,
        program=block.program,
        table=block.table,
        block=block.keyword,
        name=block.name,
        text=item if isinstance(item, str) else element_text(item),
        state=state,
        path=reason.path,
        why=reason.text,
    )
