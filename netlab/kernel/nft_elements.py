"""Elements of nftables' sets and maps as the kernel takes them, without nft in between.

    10.96.0.20 . tcp . 80 : goto service-2          each part of a key fills words of four bytes; addresses and ports are in
    10.96.0.20 . tcp . 80 . 1 : 10.244.1.2 . 8080   network order, numbers and marks in the machine's

nft takes six times as long to read ten thousand Services as the kernel to take them. Elements are most of that and all alike:
keys and values of the few types below, with a comment. Everything else (chains, rules, declarations) is nft's.
Source: linux/netfilter/nf_tables.h (NFTA_SET_ELEM_*, NFTA_DATA_*), nfnetlink.h (batches); libnftnl set_elem.c, udata.c;
nft(8) for the names of types; what `nft --debug=mnl` shows.
"""

from __future__ import annotations

import functools
import itertools
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Final, NamedTuple

from netlab.kernel.late_close import netfilter_socket
from netlab.kernel.netlink import NLM_F_CREATE, Message, attribute, nested, text
from netlab.netstate.nft import Element
from netlab.plan.table_change import TableChange
from netlab.remembered import remembered_each

_NFTABLES: Final = 10  # NFNL_SUBSYS_NFTABLES
_BATCH_BEGIN, _BATCH_END = (Message(kind, 0, struct.pack(">BBH", 0, 0, _NFTABLES)) for kind in (16, 17))  # NFNL_MSG_BATCH_*
_KINDS: Final = {"add": (_NFTABLES << 8 | 12, NLM_F_CREATE), "delete": (_NFTABLES << 8 | 14, 0)}  # NFT_MSG_NEW-, DELSETELEM
_FAMILIES: Final = {"inet": 1, "ip": 2, "ip6": 10}  # NFPROTO_*
_TABLE, _SET, _ELEMENTS = 1, 2, 3  # NFTA_SET_ELEM_LIST_*
_LIST_ELEMENT: Final = 0x8000 | 1  # NLA_F_NESTED, NFTA_LIST_ELEM
_KEY, _DATA, _USERDATA, _KEY_END = 1, 2, 6, 10  # NFTA_SET_ELEM_*
_VALUE, _VERDICT = 1, 2  # NFTA_DATA_*
_CODE, _CHAIN = 1, 2  # NFTA_VERDICT_*
_VERDICTS: Final = {"drop": 0, "accept": 1, "jump": -3, "goto": -4, "return": -5}  # NF_*, NFT_*
_COMMENT: Final = 0  # NFTNL_UDATA_SET_ELEM_COMMENT
_ATTRIBUTE_MAX: Final = 60_000
"""Bytes of elements in one attribute, which holds 65,535."""

_HEAD, _USER_HEAD = struct.Struct("=HH"), struct.Struct("=HHBB")
_VALUE_AT: Final = 8
"""Where a value begins: behind the head of the attribute that holds it and its own."""
_OVERHEAD: Final = 64
"""More bytes than a message has besides its payload."""

_ipv4, _ipv6 = (functools.partial(socket.inet_pton, family) for family in (socket.AF_INET, socket.AF_INET6))


@functools.lru_cache(maxsize=1 << 16)
def _port(word: str) -> bytes:
    return int(word).to_bytes(2, "big")


def _protocol(word: str) -> bytes:
    return _PROTOCOLS[word]


def _number(word: str) -> bytes:
    return int(word, 0).to_bytes(4, sys.byteorder)


_PROTOCOLS: Final = {"tcp": b"\x06", "udp": b"\x11", "sctp": b"\x84"}
_NUMGEN: Final = "numgen"
# What a part of a key or a value is called, how it becomes bytes, and how many.
_TYPES: Final[dict[str, tuple[Callable[[str], bytes], int]]] = {
    "ipv4_addr": (_ipv4, 4), "ip saddr": (_ipv4, 4), "ip daddr": (_ipv4, 4),
    "ipv6_addr": (_ipv6, 16), "ip6 saddr": (_ipv6, 16), "ip6 daddr": (_ipv6, 16),
    "inet_proto": (_protocol, 1), "meta l4proto": (_protocol, 1),
    "inet_service": (_port, 2), "th dport": (_port, 2),
    "mark": (_number, 4), "meta mark": (_number, 4), "ct mark": (_number, 4), _NUMGEN: (_number, 4),
}  # fmt: skip


class UnknownElement(ValueError):
    """An element or a type that stands in none of our tables: only nft can read it."""


_lock = threading.Lock()


class Batch(NamedTuple):
    """The elements of a change as messages; `ends` are where those of each of its lines end, and how that line begins."""

    messages: tuple[Message, ...]
    ends: tuple[tuple[int, str], ...]


def encoded(change: TableChange) -> Batch:
    """Return the elements of a change as messages. Raises UnknownElement."""
    intern = sys.intern  # what is remembered is found by identity
    with _lock:  # Nodes are written side by side, and most of their elements are the same
        parts = _encoded(
            (one.elements, one.verb, intern(one.name), intern(one.key_type), intern(change.table)) for one in change.elements
        )
    ends = itertools.accumulate(map(len, parts))
    names = (f"{one.verb} element {change.table} {one.name}" for one in change.elements)
    return Batch(tuple(itertools.chain.from_iterable(parts)), tuple(zip(ends, names, strict=True)))


def send(batch: Batch) -> None:
    """Do it in the thread's namespace, all or nothing. Raises OSError: the kernel refused one, or the socket failed."""
    size = sum(len(message.payload) + _OVERHEAD for message in batch.messages) + 2 * _OVERHEAD
    with netfilter_socket() as netlink:
        refused = netlink.transaction([_BATCH_BEGIN, *batch.messages, _BATCH_END], size)
    if refused:
        place, code = min(refused.items())
        about = next((name for end, name in batch.ends if place <= end), "")
        raise OSError(code, f"{about}: {os.strerror(code)}")


@remembered_each
def _encoded(elements: frozenset[Element], verb: str, name: str, key_type: str, table: str) -> tuple[Message, ...]:
    """The messages for some elements of one set."""
    family, _, place = table.partition(" ")
    if family not in _FAMILIES:
        raise UnknownElement(table)
    head = struct.pack(">BBH", _FAMILIES[family], 0, 0) + text(_TABLE, place) + text(_SET, name)
    try:
        lists = list(_lists(map(_Encoder(key_type, is_deleted=verb == "delete"), elements)))
    except (ValueError, KeyError, OSError, OverflowError, struct.error) as error:
        raise UnknownElement(f"{name}: {error}") from error
    kind, flags = _KINDS[verb]
    return tuple(Message(kind, flags, head + nested(_ELEMENTS, one)) for one in lists)


def _lists(elements: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the elements together, as many at a time as one attribute holds."""
    together: list[bytes] = []
    size = 0
    for one in elements:
        if size + len(one) > _ATTRIBUTE_MAX:
            yield b"".join(together)
            together, size = [], 0
        together.append(one)
        size += len(one)
    yield b"".join(together)


class _Encoder:
    """Elements of one set as bytes. Raises KeyError, ValueError, OSError or OverflowError for one that is of no type above."""

    def __init__(self, key_type: str, *, is_deleted: bool) -> None:
        declaration, *options = key_type.split("\n\t\t")
        key, _, value = declaration.removeprefix("typeof ").removeprefix("type ").partition(" : ")
        self._key, self._last = _Words(_KEY, key), _Words(_KEY_END, key) if "flags interval" in options else None
        self._data = functools.cache(_verdict) if value == "verdict" else _Words(_DATA, value)
        self._is_deleted = is_deleted

    def __call__(self, element: Element) -> bytes:
        found = self._key(element.key) if self._last is None else self._interval(self._last, element.key)
        if not self._is_deleted:
            if element.value:
                found += self._data(element.value)
            if element.comment:
                found += _comment(element.comment)
        return _HEAD.pack(_HEAD.size + len(found), _LIST_ELEMENT) + found

    def _interval(self, last: _Words, key: str) -> bytes:
        """The first and the last of a range: of an address and port with a network of sources, for example."""
        words = key.split(" . ")
        if len(words) == 1:
            raise UnknownElement("a set of plain intervals")  # two elements each, and neighbours are merged: nft's work
        ranges = [ip_network(word) if "/" in word else None for word in words]
        ends = ((str(one[0]), str(one[-1])) if one else (word, word) for word, one in zip(words, ranges, strict=True))
        start, end = (" . ".join(one) for one in zip(*ends, strict=True))
        return self._key(start) + last(end)


class _Words:
    """A key or a value of the parts that `declared` names, as bytes; of several parts each fills up to four bytes."""

    def __init__(self, kind: int, declared: str) -> None:
        names = [_NUMGEN if name.startswith(f"{_NUMGEN} ") else name for name in declared.split(" . ") if name]
        pads = [-_TYPES[name][1] % 4 if len(names) > 1 else 0 for name in names]
        self._parts = [(_TYPES[name][0], bytes(pad)) for name, pad in zip(names, pads, strict=True)]
        size = sum(_TYPES[name][1] for name in names) + sum(pads)
        whole = nested(kind, attribute(_VALUE, bytes(size)))
        self._head, self._tail = whole[:_VALUE_AT], bytes(-size % 4)

    def __call__(self, words: str) -> bytes:
        parts = [encode(word) + pad for (encode, pad), word in zip(self._parts, words.split(" . "), strict=True)]
        return b"".join((self._head, *parts, self._tail))


def _comment(words: str) -> bytes:
    """What libnftnl keeps beside an element: a type, a length of one byte, and the comment itself."""
    value = words.encode() + b"\0"
    size = _USER_HEAD.size + len(value)
    return _USER_HEAD.pack(size, _USERDATA, _COMMENT, len(value)) + value + bytes(-size % 4)


def _verdict(value: str) -> bytes:
    verb, _, chain = value.partition(" ")
    code = attribute(_CODE, struct.pack(">i", _VERDICTS[verb]))
    return nested(_DATA, nested(_VERDICT, code, text(_CHAIN, chain) if chain else b""))
