"""Expressions of nft: what a rule reads. Parsed once into functions of a Scene; what is not known raises UnknownRule.

    ip daddr . meta l4proto . th dport    a concatenation of fields (fields.py)
    meta mark & 0x4000                    bits
    fib daddr . iif type                  what routing calls an address
    numgen random mod 3                   chance, asked of the caller
    jhash ip6 saddr mod 9 seed 0x1        a hash (jhash.py)
    ... map @endpoints-3, map { ... }     a lookup; its values are of the kinds that the reader of it expects
    @node-ips, { 80, 443 }, 10.0.0.0/8    the right side of a match: a set, named or not, or a single range

Source: nft(8), EXPRESSIONS; a lookup that finds nothing ends its rule (NFT_BREAK of the kernel's nf_tables).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from netlab.frozen import dataclass
from netlab.kernel.nft_listing import parse_elements
from netlab.netstate.nft import Element
from netlab.packets.fields import FIELDS, LONGEST
from netlab.packets.jhash import jhash
from netlab.packets.scene import NoMatch, Scene
from netlab.packets.tokens import Tokens
from netlab.packets.values import MARK, NUMBER, ROUTE_TYPE, Index, Key, Kind, key_bytes, parse_exact, parse_value

BITS: Final = {"&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift}
COMPARISONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A function of the scene to one value for each of `kinds`. Reading it may raise NoMatch."""

    kinds: tuple[Kind, ...]
    read: Callable[[Scene], Key]


Lookup = Callable[[Scene, Key], Element | None]


def parse_expression(tokens: Tokens, expected: tuple[Kind, ...] = ()) -> Expression:
    """Read an expression. `expected` are the kinds of what is written down: plain values, and those of a map.

    Raises:
        UnknownRule: there is something in it that is not known.
    """
    parts = [_primary(tokens, expected[:1])]
    while tokens.take_if("."):
        parts.append(_primary(tokens, expected[len(parts) :][:1]))
    found = _concatenation(parts)
    if tokens.take_if("map"):
        return _mapped(found, parse_lookup(tokens, found.kinds), expected)
    return found


def _concatenation(parts: list[Expression]) -> Expression:
    if len(parts) == 1:
        return parts[0]
    kinds = tuple(kind for part in parts for kind in part.kinds)
    return Expression(kinds=kinds, read=lambda scene: tuple(value for part in parts for value in part.read(scene)))


def _mapped(key: Expression, lookup: Lookup, kinds: tuple[Kind, ...]) -> Expression:
    """What a map has for a key. An endpoint may be an address alone: then the value is shorter than `kinds`."""

    def read(scene: Scene) -> Key:
        return parse_exact(kinds, find(scene, lookup, key.read(scene)).value)

    return Expression(kinds=kinds, read=read)


def find(scene: Scene, lookup: Lookup, key: Key) -> Element:
    """Return the element of a key, and note that it was used. Raises NoMatch if there is none."""
    element = lookup(scene, key)
    if element is None:
        raise NoMatch
    scene.used.append(element)
    return element


def _primary(tokens: Tokens, expected: tuple[Kind, ...]) -> Expression:
    if tokens.take_if("numgen"):
        return _numgen(tokens)
    if tokens.take_if("jhash"):
        return _jhash(tokens)
    if tokens.take_if("fib"):
        return _fib(tokens)
    for length in range(LONGEST, 0, -1):
        words = [tokens.peek(ahead) for ahead in range(length)]
        known = FIELDS.get(" ".join(words))
        if known is not None:
            tokens.expect(*words)
            return _with_bits(tokens, *known)
    if expected:
        return _constant(tokens, expected[0])
    raise tokens.unknown("unknown expression")


def _constant(tokens: Tokens, kind: Kind) -> Expression:
    key = parse_exact((kind,), tokens.take())
    return Expression(kinds=(kind,), read=lambda _: key)


def _with_bits(tokens: Tokens, kind: Kind, read: Callable[[Scene], int]) -> Expression:
    """A field with the operators behind it, from left to right: `meta mark & 0xff00 | 0x1`."""
    changes: list[tuple[Callable[[int, int], int], int]] = []
    while operator_word := tokens.take_if(*BITS):
        changes.append((BITS[operator_word], _bits(tokens, kind)))

    def changed(scene: Scene) -> Key:
        value = read(scene)
        for change, operand in changes:
            value = change(value, operand)
        return (value,)

    return Expression(kinds=(kind,), read=changed)


def _bits(tokens: Tokens, kind: Kind) -> int:
    """An operand: a value, or several of them as `(snat | dnat)` or `snat,dnat`."""
    closing = tokens.take_if("(") and ")"
    value = parse_exact((kind,), tokens.take())[0]
    while tokens.take_if(*(("|", ",") if closing else (",",))):
        value |= parse_exact((kind,), tokens.take())[0]
    if closing:
        tokens.expect(closing)
    return value


def _numgen(tokens: Tokens) -> Expression:
    tokens.expect("random", "mod")
    modulus = tokens.take_number()
    offset = tokens.take_number() if tokens.take_if("offset") else 0
    return Expression(kinds=(NUMBER,), read=lambda scene: (offset + scene.choose(modulus),))


def _jhash(tokens: Tokens) -> Expression:
    """`jhash ip6 saddr . meta mark mod 4294967295 seed 0x1`. Without a seed nft draws one, which nobody can follow."""
    hashed = parse_expression(tokens)
    tokens.expect("mod")
    modulus = tokens.take_number()
    tokens.expect("seed")
    seed = tokens.take_number()
    if not all(kind.width for kind in hashed.kinds):
        raise tokens.unknown("jhash of something else than addresses and marks, before")
    return Expression(kinds=(MARK,), read=lambda scene: (jhash(key_bytes(hashed.kinds, hashed.read(scene)), seed, modulus),))


def _fib(tokens: Tokens) -> Expression:
    """`fib saddr type`, `fib daddr . iif type`: the type of the route to an address, perhaps only on one interface."""
    side = tokens.take_if("saddr", "daddr")
    of_interface = tokens.take_if(".") and tokens.take_if("iif", "oif")
    if not side or not tokens.take_if("type"):
        raise tokens.unknown("unknown fib expression")

    def read(scene: Scene) -> Key:
        address = scene.packet.source if side == "saddr" else scene.packet.destination
        device = {"iif": scene.iif, "oif": scene.oif}.get(of_interface, "")
        return (scene.route_type(address, device),)

    return Expression(kinds=(ROUTE_TYPE,), read=read)


def parse_lookup(tokens: Tokens, kinds: tuple[Kind, ...]) -> Lookup:
    """Read `@name`, `{ ... }` or single values, and return the function that finds a key in it. Raises UnknownRule."""
    if tokens.peek().startswith("@"):
        name = tokens.take()[1:]
        return lambda scene, key: scene.find(name, kinds, key)
    if tokens.take_if("{"):
        known = Index(_anonymous(tokens), kinds)
        return lambda _, key: known.find(key)
    return _written_down(tokens, kinds)


def _anonymous(tokens: Tokens) -> frozenset[Element]:
    words: list[str] = []
    while not tokens.take_if("}"):
        words.append(tokens.take())
    return parse_elements(" ".join(words))


def _written_down(tokens: Tokens, kinds: tuple[Kind, ...]) -> Lookup:
    """A value for each part of the left side. Flags are asked for one by one: `ct state established,related`."""
    if len(kinds) == 1 and kinds[0].is_flags:
        asked = _bits(tokens, kinds[0])
        return lambda _, key: Element(key=kinds[0].show(key[0])) if key[0] & asked else None
    words = [tokens.take()]
    while tokens.take_if("."):
        words.append(tokens.take())
    text = " . ".join(words)
    if len(words) != len(kinds):
        raise tokens.unknown(f"{len(kinds)} values were to stand where {text!r} is, before")
    ranges = [parse_value(kind, word) for kind, word in zip(kinds, words, strict=True)]

    def lookup(_: Scene, key: Key) -> Element | None:
        inside = all(low <= part <= high for (low, high), part in zip(ranges, key, strict=True))
        return Element(key=text) if inside else None

    return lookup
