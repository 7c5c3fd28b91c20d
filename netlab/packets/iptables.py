"""The rules of iptables as programs: each table of a program is one, and its rules become the same ones as nft's.

    -A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G
                     matches, each perhaps with ! before it .... target

Only the matches of OPTIONS and the targets of TARGETS are known; anything else raises UnknownRule and is never skipped. Which
module (`-m`) an option belongs to is not asked: the words do not overlap. Source: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Final

from netlab.netstate.iptables import IptablesRules, IptablesTable
from netlab.packets.iptables_matches import OPTIONS, Test, Words, masked
from netlab.packets.rules import FAMILIES, PRIORITIES, BaseChain, Ruleset
from netlab.packets.scene import Action, Rule, Scene, Statement, unless
from netlab.packets.tokens import UnknownRule

BUILT_IN: Final = {
    ("filter", "INPUT"): ("input", "filter"),
    ("filter", "FORWARD"): ("forward", "filter"),
    ("filter", "OUTPUT"): ("output", "filter"),
    ("nat", "PREROUTING"): ("prerouting", "dstnat"),
    ("nat", "INPUT"): ("input", "srcnat"),
    ("nat", "OUTPUT"): ("output", "dstnat"),
    ("nat", "POSTROUTING"): ("postrouting", "srcnat"),
}
"""The hook of each built-in chain, and its priority by nft's name for it."""


def iptables_rulesets(rules: IptablesRules) -> Iterator[Ruleset]:
    """Yield the tables of a program. Raises UnknownRule if one holds what is not known."""
    for table in rules.by_name.values():
        chains = {name: tuple(parse_rule(rule) for rule in chain.rules) for name, chain in table.by_name.items()}
        yield Ruleset(
            families=FAMILIES[rules.family],
            chains=chains,
            bases=_bases(table),
            tracks=any("--ctstate" in rule for chain in table.chains for rule in chain.rules),
        )


def _bases(table: IptablesTable) -> Iterator[BaseChain]:
    for name in table.by_name:
        if (table.name, name) in BUILT_IN:
            hook, priority = BUILT_IN[table.name, name]
            yield BaseChain(name=name, kind=table.name, hook=hook, priority=PRIORITIES[priority], policy="accept")


@functools.lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """Return a rule as iptables-save prints it behind `-A CHAIN`. Raises UnknownRule if anything in it is not known."""
    try:
        return Rule(text=text, statements=tuple(_statements(Words(text))))
    except ValueError as error:
        raise UnknownRule(f"{error}: {text}") from error


def _statements(words: Words) -> Iterator[Statement]:
    while words.left:
        negated = words.take_if("!")
        option = words.take()
        if negated and option not in OPTIONS:
            raise UnknownRule(f"{option} cannot be negated: {words.text}")
        if option in {"-j", "-g"}:
            yield _target(words, goes=option == "-g")
        elif option in _IGNORED:
            words.skip(_IGNORED[option])
        elif option in OPTIONS:
            test = OPTIONS[option](words)
            yield unless(_not(test) if negated else test)
        else:
            raise UnknownRule(f"unknown option {option}: {words.text}")


def _not(test: Test) -> Test:
    return lambda scene: not test(scene)


# What says nothing about a packet: the module of the options behind it, comments, the kind of chance there is.
_IGNORED: Final = {"-m": 1, "--comment": 1, "--mode": 1}
REJECTED: Final = {
    "icmp-port-unreachable": "icmp port-unreachable",
    "icmp-host-unreachable": "icmp host-unreachable",
    "icmp-admin-prohibited": "icmp admin-prohibited",
    "icmp6-port-unreachable": "icmpv6 port-unreachable",
    "icmp6-adm-prohibited": "icmpv6 admin-prohibited",
    "tcp-reset": "tcp reset",
}


def _target(words: Words, *, goes: bool) -> Statement:
    """What is done with a packet that matches. A name that is no target is that of a chain."""
    name = words.take()
    if name in TARGETS:
        return TARGETS[name](words)
    action = Action(decision="goto" if goes else "jump", chain=name)
    return lambda _: action


def _always(action: Action) -> Callable[[Words], Statement]:
    return lambda _: lambda _: action


def _reject(words: Words) -> Statement:
    if not words.take_if("--reject-with"):
        return lambda scene: Action(decision="reject", answer=f"{scene.packet.icmp} port-unreachable")
    word = words.take()
    if word not in REJECTED:
        raise UnknownRule(f"unknown answer {word}: {words.text}")
    action = Action(decision="reject", answer=REJECTED[word])
    return lambda _: action


def _set_mark(words: Words) -> Statement:
    """`--set-xmark VALUE/MASK`: clear the bits of the mask, then flip those of the value."""
    words.expect("--set-xmark")
    value, mask = masked(words)

    def change(scene: Scene) -> None:
        scene.mark = (scene.mark & ~mask & 0xFFFFFFFF) ^ value

    return change


def _dnat(words: Words) -> Statement:
    """`--to-destination 10.244.1.2:8080`."""
    words.expect("--to-destination")
    address, port = _split(words.take())
    action = Action(decision="dnat", address=address, port=port)
    return lambda _: action


def _split(text: str) -> tuple[str, int]:
    """Return address and port (0: none) of `10.244.1.2`, `10.244.1.2:80`, `fd00::2` or `[fd00::2]:80`."""
    head, colon, port = text.rpartition(":")
    has_port = bool(colon) and ("]" in text or text.count(":") == 1)
    return (head.strip("[]"), int(port)) if has_port else (text.strip("[]"), 0)


def _masquerade(words: Words) -> Statement:
    action = Action(decision="snat", random_port=words.take_if("--random-fully"))
    return lambda _: action


TARGETS: Final[dict[str, Callable[[Words], Statement]]] = {
    "ACCEPT": _always(Action(decision="accept")),
    "DROP": _always(Action(decision="drop")),
    "RETURN": _always(Action(decision="return")),
    "REJECT": _reject,
    "MARK": _set_mark,
    "DNAT": _dnat,
    "MASQUERADE": _masquerade,
}
