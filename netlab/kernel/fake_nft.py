"""nft in memory: a small, strict interpreter of exactly the scripts that plan/nft.py writes, for the Fake.

A script is one transaction: run on a copy, kept only if every line is accepted. What the kernel refuses is refused with its
own words: a reference to a chain or set that is missing, the deletion of one that is in use or of a chain that has rules, an
element with another value, a jump to a base chain. Anything outside the dialect is refused too (`unknown command`).
Source: nft(8), nf_tables_api.c; answers of nft 1.0.6 on Linux 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from netlab.kernel.nft_listing import parse_elements, parse_table
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable

MISSING: Final = "No such file or directory"
BUSY: Final = "Device or resource busy"
EXISTS: Final = "File exists"
UNSUPPORTED: Final = "Operation not supported"
COMMENT_MAX: Final = 128

_TARGET = re.compile(r"\b(?:jump|goto) ([\w-]+)")
_NAMED_SET = re.compile(r"@([\w-]+)")
_QUOTED = re.compile(r'"[^"]*"')
_COMMAND = re.compile(r"(add|delete|flush) (table|chain|set|map|element|rule) (\w+ \S+)(?: (\S+))?(?: (.+))?")


class FakeNftError(Exception):
    """What nft would say about the script."""


@dataclass(slots=True)
class _Set:
    is_map: bool
    key_type: str
    elements: dict[str, Element] = field(default_factory=dict)
    was_there: bool = False


@dataclass(slots=True)
class _Chain:
    hook: str = ""
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    sets: dict[str, _Set] = field(default_factory=dict)
    chains: dict[str, _Chain] = field(default_factory=dict)


def run_script(script: str, table: NftTable | None) -> NftTable | None:
    """Return what the script makes of the only table there is. Raises FakeNftError, with nothing done."""
    state = _Ruleset(table)
    lines = iter(enumerate(script.splitlines(), 1))
    for number, line in lines:
        try:
            if line.endswith("{") and line.startswith("table "):
                state.load_block([line, *_rest_of_block(lines)])
            elif line.strip():
                state.command(line)
        except FakeNftError as error:
            raise FakeNftError(f"line:{number}: {error}: {line[:200]}") from None
    return state.table()


def _rest_of_block(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        yield line
        if line == "}":
            return
    raise FakeNftError("syntax error, unexpected end of file")


class _Ruleset:
    """The tables of one namespace by `family name`: one at most at the end, because nobody writes another."""

    def __init__(self, table: NftTable | None) -> None:
        self._tables: dict[str, _Table] = {}
        if table is not None:
            self._tables[f"{table.family} {table.name}"] = _thaw(table)

    def table(self) -> NftTable | None:
        """Return the table `inet netlab`: only that one is ever read."""
        return _freeze(self._tables["inet netlab"]) if "inet netlab" in self._tables else None

    def load_block(self, lines: list[str]) -> None:
        """Add what a `table ... { }` block says: chains and sets first, then elements and rules, as nft sends them."""
        block = parse_table("\n".join(lines))
        table = self._tables.setdefault(f"{block.family} {block.name}", _Table())
        for chain in block.chains:
            _add_chain(table, chain.name, chain.hook)
        for item in block.sets:
            _add_set(table, item.name, is_map=item.is_map, key_type=item.key_type)
        for item in block.sets:
            for element in item.elements:
                _add_element(table, table.sets[item.name], element)
        for chain in block.chains:
            for rule in chain.rules:
                _add_rule(table, chain.name, rule)

    def command(self, line: str) -> None:
        """Do one line."""
        match = _COMMAND.fullmatch(line)
        if not match:
            raise FakeNftError("unknown command")
        verb, noun, where, name, rest = match[1], match[2], match[3], match[4] or "", match[5] or ""
        if noun == "table":
            self._table_command(verb, where)
            return
        if where not in self._tables:
            raise FakeNftError(MISSING)
        table = self._tables[where]
        match verb, noun:
            case "add", "chain":
                _add_chain(table, name, _inside(rest) if rest else "")
            case "flush", "chain":
                _find_chain(table, name).rules.clear()
            case "delete", "chain":
                _delete_chain(table, name)
            case "add", ("set" | "map"):
                _add_set(table, name, is_map=noun == "map", key_type=_declaration(rest))
            case "delete", ("set" | "map"):
                _delete_set(table, name, is_map=noun == "map")
            case (("add" | "delete"), "element"):
                _change_elements(table, verb, name, _inside(rest))
            case "add", "rule":
                _add_rule(table, name, rest)
            case _:
                raise FakeNftError("unknown command")

    def _table_command(self, verb: str, where: str) -> None:
        if verb == "add":
            self._tables.setdefault(where, _Table())
        elif verb == "delete":
            if self._tables.pop(where, None) is None:
                raise FakeNftError(MISSING)
        else:
            raise FakeNftError("unknown command")


def _inside(text: str) -> str:
    """Return what is between the braces."""
    if not (text.startswith("{ ") and text.endswith(" }")):
        raise FakeNftError("syntax error, unexpected end of line")
    return text[2:-2]


def _declaration(text: str) -> str:
    """Return `type ...; flags ...;` in braces as a listing has it: a line for each statement."""
    return "\n\t\t".join(part.strip() for part in _inside(text).split(";") if part.strip())


def _find_chain(table: _Table, name: str) -> _Chain:
    if name not in table.chains:
        raise FakeNftError(MISSING)
    return table.chains[name]


def _add_chain(table: _Table, name: str, hook: str) -> None:
    """A chain that is there stays, if it hooks in as it did or nothing is said of that."""
    found = table.chains.setdefault(name, _Chain(hook=hook))
    if hook and found.hook != hook:
        raise FakeNftError(UNSUPPORTED)


def _delete_chain(table: _Table, name: str) -> None:
    if _find_chain(table, name).rules or name in _targets(table):
        raise FakeNftError(BUSY)
    del table.chains[name]


def _targets(table: _Table) -> set[str]:
    """Return the chains that rules and elements refer to."""
    texts = [rule for chain in table.chains.values() for rule in chain.rules]
    texts += [element.value for item in table.sets.values() for element in item.elements.values()]
    return {target for text in texts for target in _TARGET.findall(_QUOTED.sub("", text))}


def _add_set(table: _Table, name: str, *, is_map: bool, key_type: str) -> None:
    found = table.sets.setdefault(name, _Set(is_map=is_map, key_type=key_type))
    if (found.is_map, found.key_type) != (is_map, key_type):
        raise FakeNftError(EXISTS)


def _delete_set(table: _Table, name: str, *, is_map: bool) -> None:
    if name not in table.sets or table.sets[name].is_map != is_map:
        raise FakeNftError(MISSING)
    if any(name in _NAMED_SET.findall(_QUOTED.sub("", rule)) for chain in table.chains.values() for rule in chain.rules):
        raise FakeNftError(BUSY)
    del table.sets[name]


def _change_elements(table: _Table, verb: str, name: str, text: str) -> None:
    if name not in table.sets:
        raise FakeNftError(MISSING)
    item = table.sets[name]
    for element in parse_elements(text):
        if verb == "add":
            _add_element(table, item, element)
        elif item.elements.pop(element.key, None) is None:
            raise FakeNftError(MISSING)


def _add_element(table: _Table, item: _Set, element: Element) -> None:
    """One that is there stays as it is, its comment too; with another value it is refused."""
    if bool(element.value) != item.is_map:
        raise FakeNftError("set is not a map" if element.value else "Invalid argument")
    if element.key.count(" . ") != item.key_type.split(":")[0].split("\n")[0].count(" . "):
        raise FakeNftError("key has another number of parts than its type")
    if len(element.comment) > COMMENT_MAX:
        raise FakeNftError(f"comment too long: only {COMMENT_MAX} characters are allowed")
    _check_targets(table, element.value)
    if item.elements.setdefault(element.key, element).value != element.value:
        raise FakeNftError(EXISTS)


def _add_rule(table: _Table, chain: str, rule: str) -> None:
    found = _find_chain(table, chain)
    _check_targets(table, rule)
    for name in _NAMED_SET.findall(_QUOTED.sub("", rule)):
        if name not in table.sets:
            raise FakeNftError(MISSING)
        item = table.sets[name]
        if item.was_there and item.key_type.startswith("typeof ") and " th " in item.key_type:
            raise FakeNftError("conflicting protocols specified")  # nft 1.0.6, see plan/nft.py
    found.rules.append(rule)


def _check_targets(table: _Table, text: str) -> None:
    for target in _TARGET.findall(_QUOTED.sub("", text)):
        if _find_chain(table, target).hook:
            raise FakeNftError(UNSUPPORTED)


def _thaw(table: NftTable) -> _Table:
    sets = {
        item.name: _Set(item.is_map, item.key_type, {e.key: e for e in item.elements}, was_there=True) for item in table.sets
    }
    return _Table(sets=sets, chains={chain.name: _Chain(chain.hook, list(chain.rules)) for chain in table.chains})


def _freeze(table: _Table) -> NftTable:
    sets = (
        ElementSet(name=name, key_type=item.key_type, is_map=item.is_map, elements=frozenset(item.elements.values()))
        for name, item in table.sets.items()
    )
    chains = (Chain(name=name, hook=item.hook, rules=tuple(item.rules)) for name, item in table.chains.items())
    return NftTable(sets=frozenset(sets), chains=frozenset(chains))
