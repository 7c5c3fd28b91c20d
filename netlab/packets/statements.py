"""Statements of nft: what a rule asks of a packet, changes, and decides. Parsed once; what is not known raises UnknownRule.

A statement is a function of the scene (scene.py). Source: nft(8), STATEMENTS.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from netlab.netstate.nft import Element
from netlab.packets.expressions import COMPARISONS, Expression, find, parse_expression, parse_lookup
from netlab.packets.scene import Action, Decision, NoMatch, Rule, Scene, Statement, unless
from netlab.packets.tokens import Tokens, UnknownRule
from netlab.packets.values import IPV4, IPV6, MARK, PORT, Kind, parse_exact, show_key

VERDICTS: Final[tuple[Decision, ...]] = ("accept", "drop", "return", "continue", "jump", "goto")


@functools.lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """Return a rule. Raises UnknownRule if anything in it is not known."""
    tokens = Tokens(text)
    statements: list[Statement] = []
    while tokens.peek():
        if tokens.take_if("comment"):
            tokens.take()
            continue
        statements.append(_statement(tokens))
    return Rule(text=text, statements=tuple(statements))


def _statement(tokens: Tokens) -> Statement:
    parse = _KEYWORDS.get(tokens.peek())
    if parse is not None:
        return parse(tokens)
    for setter, words in ((_set_mark, ("meta", "mark", "set")), (_set_ct_mark, ("ct", "mark", "set"))):
        if tuple(tokens.peek(ahead) for ahead in range(3)) == words:
            tokens.expect(*words)
            return setter(parse_expression(tokens, (MARK,)))
    return _match(tokens)


def _verdict(tokens: Tokens) -> Statement:
    decision = next(one for one in VERDICTS if one == tokens.peek())
    tokens.take()
    action = Action(decision=decision, chain=tokens.take() if decision in {"jump", "goto"} else "")
    return lambda _: action


@functools.lru_cache(maxsize=1024)
def _verdict_of(text: str) -> Action:
    """The verdict that a map has for a key: `goto pick-3`."""
    words = text.split()
    for decision in VERDICTS:
        if words[:1] == [decision] and len(words) == 1 + (decision in {"jump", "goto"}):
            return Action(decision=decision, chain=words[-1] if len(words) > 1 else "")
    raise UnknownRule(f"unknown verdict {text!r}")


def _match(tokens: Tokens) -> Statement:
    left = parse_expression(tokens)
    if tokens.take_if("vmap"):
        lookup = parse_lookup(tokens, left.kinds)
        return lambda scene: _verdict_of(find(scene, lookup, left.read(scene)).value)
    if compare := COMPARISONS.get(tokens.take_if(*COMPARISONS)):
        limit = parse_exact(left.kinds, tokens.take())[0]
        return unless(lambda scene: compare(left.read(scene)[0], limit))
    if len(left.kinds) == 1 and left.kinds[0].is_flags and tokens.peek() in {"==", "!="}:
        return _flags_equal(left, tokens)
    negated = tokens.take_if("==", "!=") == "!="
    lookup = parse_lookup(tokens, left.kinds)

    def match(scene: Scene) -> None:
        element = lookup(scene, left.read(scene))
        if (element is None) != negated:
            raise NoMatch
        if element is not None and element.comment:
            scene.used.append(element)

    return match


def _flags_equal(left: Expression, tokens: Tokens) -> Statement:
    """`ct status & dnat == dnat`, `ct status & dnat != 0`: with an operator, flags are numbers like all others."""
    equal = tokens.take() == "=="
    wanted = parse_exact(left.kinds, tokens.take())[0]
    return unless(lambda scene: (left.read(scene)[0] == wanted) == equal)


def _set_mark(value: Expression) -> Statement:
    def change(scene: Scene) -> None:
        scene.mark = value.read(scene)[0]

    return change


def _set_ct_mark(value: Expression) -> Statement:
    def change(scene: Scene) -> None:
        scene.connection = replace(scene.entry(), mark=value.read(scene)[0])

    return change


def _reject(tokens: Tokens) -> Statement:
    """`reject`, `reject with icmp port-unreachable`, `with icmpx ...`, `with tcp reset`."""
    tokens.expect("reject")
    if not tokens.take_if("with"):
        return lambda scene: Action(decision="reject", answer=f"{scene.packet.icmp} port-unreachable")
    protocol = tokens.take_if("icmp", "icmpv6", "icmpx", "tcp")
    tokens.take_if("type")
    word = tokens.take()
    if not protocol or (protocol == "tcp") != (word == "reset"):
        raise tokens.unknown(f"unknown answer {word!r} before")

    def reject(scene: Scene) -> Action:
        of_family = scene.packet.icmp
        if protocol not in {"icmpx", of_family, scene.packet.protocol}:
            raise NoMatch
        return Action(decision="reject", answer=f"{of_family if protocol == 'icmpx' else protocol} {word}")

    return reject


def _translate(tokens: Tokens) -> Statement:
    """`dnat ip to 10.244.1.2:8080`, `dnat ip to ... map @m`, `snat ip6 to ...`. The family is that of the statement."""
    decision: Decision = "dnat" if tokens.take() == "dnat" else "snat"
    family = tokens.take_if("ip", "ip6")
    tokens.expect("to")
    kinds = _address_kinds(family, tokens)
    target = _split_target(tokens, kinds) or parse_expression(tokens, kinds)
    random_port = _flags(tokens)

    def translate(scene: Scene) -> Action:
        if scene.packet.is_ipv6 != (kinds[0] is IPV6):
            raise NoMatch
        found = target.read(scene)
        port = found[1] if len(found) > 1 else 0
        return Action(decision=decision, address=kinds[0].show(found[0]), port=port, random_port=random_port)

    return translate


def _address_kinds(family: str, tokens: Tokens) -> tuple[Kind, Kind]:
    """What stands behind `to`. Without a family (tables ip and ip6) it shows in what is written."""
    is_ipv6 = family == "ip6" or (not family and (tokens.peek() == "ip6" or tokens.peek().count(":") > 1))
    return (IPV6 if is_ipv6 else IPV4), PORT


def _split_target(tokens: Tokens, kinds: tuple[Kind, Kind]) -> Expression | None:
    """An address with a port in one word, `10.244.1.2:8080` or `[fd00::2]:8080`."""
    address, colon, port = tokens.peek().rpartition(":")
    if not colon or not port.isdigit() or (kinds[0] is IPV6 and not address.startswith("[")):
        return None
    tokens.take()
    key = parse_exact(kinds, f"{address.strip('[]')} . {port}")
    return Expression(kinds=kinds, read=lambda _: key)


def _masquerade(tokens: Tokens) -> Statement:
    tokens.expect("masquerade")
    random_port = _flags(tokens)
    return lambda _: Action(decision="snat", random_port=random_port)


def _flags(tokens: Tokens) -> bool:
    """Read the flags behind a translation; tell whether the port is drawn."""
    drawn = False
    while word := tokens.take_if("random", "fully-random", "persistent", ","):
        drawn = drawn or word.endswith("random")
    return drawn


def _counter(tokens: Tokens) -> Statement:
    """`counter packets 0 bytes 0`: counts, and changes nothing."""
    tokens.expect("counter")
    while tokens.take_if("packets", "bytes"):
        tokens.take_number()
    return lambda _: None


def _learn(tokens: Tokens) -> Statement:
    """`update @set { key timeout 3h : value }`: an element that packets add; one that is there is renewed, and keeps its value.

    The timeout is read, and nothing expires here. Source: the kernel's nft_dynset.c.
    """
    change = tokens.take()
    name = tokens.take()
    tokens.expect("{")
    key = parse_expression(tokens)
    while tokens.take_if("timeout"):
        tokens.take()
    value = parse_expression(tokens, (MARK,)) if tokens.take_if(":") else None
    tokens.expect("}")

    def learn(scene: Scene) -> None:
        text = show_key(key.kinds, key.read(scene))
        shown = show_key(value.kinds, value.read(scene)) if value else ""
        known = any(one.key == text for one in scene.traffic.elements(scene.netns, name[1:]))
        if change == "delete" or not known:
            element = None if change == "delete" else Element(key=text, value=shown)
            scene.traffic = scene.traffic.with_element(scene.netns, name[1:], element, instead_of=text)

    return learn


_KEYWORDS: Final[dict[str, Callable[[Tokens], Statement]]] = {
    **dict.fromkeys(VERDICTS, _verdict),
    **dict.fromkeys(("dnat", "snat"), _translate),
    **dict.fromkeys(("add", "update", "delete"), _learn),
    "reject": _reject,
    "masquerade": _masquerade,
    "counter": _counter,
}
