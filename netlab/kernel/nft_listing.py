"""The text of `nft -s list table` as nouns: pure, the way back of str(NftTable). Source: nft(8), seen output of 1.0.6 to 1.1.

Blocks (`set`, `map`, `chain`) with one statement a line; only `elements = { ... }` runs over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from netlab.netstate.nft import Chain, Element, ElementSet, NftTable

_BLOCK = re.compile(r"(set|map|chain) (\S+) \{")
_COMMENT = re.compile(r' comment "([^"]*)"')
# Separators of elements and of key and value; a quoted comment is one word, whatever is in it. The colons of an IPv6
# address have no blanks around them.
_TOKEN = re.compile(r'"[^"]*"|,|\s:\s|(?:(?!\s:\s)[^",])+')


def parse_table(listing: str) -> NftTable:
    """Return the table a listing describes. Raises ValueError if it does not begin with `table`."""
    lines = [line.strip() for line in listing.splitlines() if line.strip()]
    words = lines[0].split() if lines else []
    if words[:1] != ["table"] or words[3:4] != ["{"]:
        raise ValueError(f"not a listing of a table: {listing[:60]!r}")
    sets: list[ElementSet] = []
    chains: list[Chain] = []
    for keyword, name, body in _blocks(lines[1:]):
        if keyword == "chain":
            chains.append(_chain(name, body))
        else:
            sets.append(_element_set(keyword, name, body))
    return NftTable(family=words[1], name=words[2], sets=frozenset(sets), chains=frozenset(chains))


def _blocks(lines: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (keyword, name, lines inside) of each block."""
    position = 0
    while position < len(lines):
        opening = _BLOCK.fullmatch(lines[position])
        position += 1
        if not opening:
            continue
        end = lines.index("}", position)
        yield opening[1], opening[2], lines[position:end]
        position = end + 1


def _chain(name: str, body: list[str]) -> Chain:
    hooked = bool(body) and body[0].startswith("type ")
    # nft 1.1 has a name for this priority also in the output hook; 1.0.6 prints the number, and refuses the name there.
    hook = body[0].replace("hook output priority dstnat;", "hook output priority -100;") if hooked else ""
    return Chain(name=name, hook=hook, rules=tuple(body[1:] if hooked else body))


def _element_set(keyword: str, name: str, body: list[str]) -> ElementSet:
    start = next((number for number, line in enumerate(body) if line.startswith("elements = {")), len(body))
    declaration = body[:start]
    # What packets add by themselves (`flags dynamic`) is traffic, not configuration.
    dynamic = any(line.startswith("flags ") and "dynamic" in line for line in declaration)
    elements = "" if dynamic else " ".join(body[start:]).removeprefix("elements = {").strip().removesuffix("}")
    return ElementSet(
        name=name,
        key_type="\n\t\t".join(declaration),
        is_map=keyword == "map",
        elements=parse_elements(elements),
    )


def parse_elements(text: str) -> frozenset[Element]:
    """Return the elements of a list without its braces: `key [comment "..."] [: value]`, separated by commas."""
    found: list[Element] = []
    current: list[str] = []
    for word in (*_TOKEN.findall(text), ","):
        if word != ",":
            current.append(word)
        elif "".join(current).strip():
            found.append(_element(current))
            current = []
    return frozenset(found)


def _element(tokens: list[str]) -> Element:
    middle = next((number for number, token in enumerate(tokens) if token.strip() == ":"), len(tokens))
    left, value = "".join(tokens[:middle]).strip(), "".join(tokens[middle + 1 :]).strip()
    comment = _COMMENT.search(left)
    return Element(key=_COMMENT.sub("", left).strip(), value=value, comment=comment[1] if comment else "")
