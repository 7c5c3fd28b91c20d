"""A table of nft as a program: which chains a hook calls in which order, and what they decide about one packet.

    hook -> base chains by priority -> rules -> statements (statements.py)
                                        `-> jump, goto, verdict maps -> other chains

Nothing is skipped: a rule that is not understood raises UnknownRule when its table is read.
Source: nft(8), CHAINS and VERDICT STATEMENTS; the kernel's nf_tables_core.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from netlab.frozen import dataclass
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.packets.scene import Action, NoMatch, Rule, Scene
from netlab.packets.statements import parse_rule
from netlab.packets.tokens import UnknownRule

Hook = Literal["prerouting", "input", "forward", "output", "postrouting"]
PRIORITIES: Final = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
FAMILIES: Final = {"inet": frozenset({4, 6}), "ip": frozenset({4}), "ip6": frozenset({6})}
DEPTH: Final = 16
"""How deep jumps may go: NFT_JUMP_STACK_SIZE. The kernel refuses to load rules that go deeper."""

_HOOK: Final = re.compile(r"type (filter|nat|route) hook (\w+) priority (-?\w+)(?: ([+-]) (\d+))?; policy (accept|drop);")

_NOT_MATCHED: Final = Action(decision="continue")
_POLICIES: Final = {"accept": Action(decision="accept"), "drop": Action(decision="drop")}
_NO_SETS: Final[Mapping[str, ElementSet]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A rule that matched: where it stands, its text, and the elements of sets and maps by which it did, with their owners."""

    chain: str
    rule: str
    elements: tuple[Element, ...] = ()

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose those elements are, as far as they say it."""
        return tuple(dict.fromkeys(element.comment for element in self.elements if element.comment))


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChain:
    """A chain that a hook calls. `priority` orders those of one hook."""

    name: str
    kind: str
    hook: str
    priority: int
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a base chain decided, and every rule that matched on the way, in order. The last one decided, or the policy did."""

    action: Action
    matched: tuple[Matched, ...]
    by_policy: bool = False


class Ruleset:
    """Chains that call each other, and those that hooks call.

    `families` are those whose packets it sees; `tracks`: connections are tracked in its namespace because of it.
    """

    def __init__(
        self,
        *,
        families: frozenset[int],
        chains: Mapping[str, tuple[Rule, ...]],
        bases: Iterable[BaseChain],
        sets: Mapping[str, ElementSet] = _NO_SETS,
        tracks: bool,
    ) -> None:
        self.families, self.chains, self.sets = families, chains, sets
        self.bases = tuple(sorted(bases, key=lambda base: (base.priority, base.name)))
        self.translates = any(base.kind == "nat" for base in self.bases)
        self.tracks = tracks or self.translates

    def at(self, hook: Hook, family: int) -> tuple[BaseChain, ...]:
        """Return the base chains of a hook in the order in which they are called."""
        return tuple(base for base in self.bases if base.hook == hook and family in self.families)

    def evaluate(self, base: BaseChain, scene: Scene) -> Outcome:
        """Return what a base chain decides about the packet of `scene`, in which its changes are left."""
        matched: list[Matched] = []
        action = self._run(base.name, scene, matched, 0)
        if action is None:
            return Outcome(action=_POLICIES[base.policy], matched=tuple(matched), by_policy=True)
        return Outcome(action=action, matched=tuple(matched))

    def _run(self, name: str, scene: Scene, matched: list[Matched], depth: int) -> Action | None:
        """Run a chain; None if it ends, or returns, without a decision."""
        if name not in self.chains:
            raise UnknownRule(f"there is no chain {name}")
        if depth > DEPTH:
            raise UnknownRule(f"chain {name}: jumps deeper than {DEPTH}")
        for rule in self.chains[name]:
            scene.used.clear()
            action = self._apply(rule, scene)
            if action is _NOT_MATCHED:
                continue
            matched.append(Matched(chain=name, rule=rule.text, elements=tuple(scene.used)))
            if action is None or action.decision == "continue":
                continue
            if action.decision == "return":
                return None
            if action.decision not in {"jump", "goto"}:
                return action
            decided = self._run(action.chain, scene, matched, depth + 1)
            if decided is not None or action.decision == "goto":
                return decided
        return None

    def _apply(self, rule: Rule, scene: Scene) -> Action | None:
        """Return what the first deciding statement of a rule decides; None if there is none. Changes stay, match or not."""
        try:
            for statement in rule.statements:
                action = statement(scene)
                if action is not None:
                    return action
        except NoMatch:
            return _NOT_MATCHED
        return None


def nft_ruleset(table: NftTable) -> Ruleset:
    """Return a table of nft as a program. Raises UnknownRule if it holds what is not known."""
    if table.family not in FAMILIES:
        raise UnknownRule(f"table {table.family} {table.name}: only {', '.join(FAMILIES)} are known")
    return Ruleset(
        families=FAMILIES[table.family],
        chains={chain.name: tuple(parse_rule(text) for text in chain.rules) for chain in table.chains},
        bases=[_base_chain(chain) for chain in table.chains if chain.hook],
        sets={item.name: item for item in table.sets},
        tracks=any(" ct " in f" {text}" for chain in table.chains for text in chain.rules),
    )


def _base_chain(chain: Chain) -> BaseChain:
    found = _HOOK.fullmatch(chain.hook)
    if not found or (found[3] not in PRIORITIES and not found[3].lstrip("-").isdigit()):
        raise UnknownRule(f"unknown hook of chain {chain.name}: {chain.hook}")
    priority = PRIORITIES[found[3]] if found[3] in PRIORITIES else int(found[3])
    offset = int(f"{found[4]}{found[5]}") if found[4] else 0
    return BaseChain(name=chain.name, kind=found[1], hook=found[2], priority=priority + offset, policy=found[6])
