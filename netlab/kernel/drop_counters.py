"""Why the kernel of a namespace threw packets away, as far as it counts that: its counters, and what they mean.

A count says that it happened in this namespace meanwhile, not to which packet; whoever tells of it says so.
Source: /proc/net/netstat and /proc/net/snmp (net/ipv4/proc.c), Documentation/networking/snmp_counter.rst.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from netlab.kernel import netns
from netlab.kernel.files import read
from netlab.netstate.names import NetnsName

Counters = Mapping[str, int]

MEANINGS: Final = {
    "IPReversePathFilter": "the way back to its source leads elsewhere (rp_filter)",
    "InNoRoutes": "there was no route for a packet that came in",
    "OutNoRoutes": "there was no route for a packet of its own",
    "InAddrErrors": "it was for an address that is not here, and this is no router",
    "InCsumErrors": "its checksum was wrong",
    "FragFails": "it would have had to be cut, and must not be",
    "ReasmFails": "its fragments did not come together",
    "ListenOverflows": "too many connections were waiting to be taken by the program",
    "ListenDrops": "the program that listens took no more connections",
    "RcvbufErrors": "the program did not read fast enough: its buffer was full",
    "TCPBacklogDrop": "the program's backlog was full",
}
"""Counters that tell of packets that were thrown away, and what each means."""

_FILES: Final = (Path("/proc/thread-self/net/netstat"), Path("/proc/thread-self/net/snmp"))


def counters(names: Iterable[NetnsName]) -> dict[NetnsName, Counters]:
    """Return the counters of namespaces. Raises KernelError if one is not there."""
    wanted = sorted(set(names))
    found = netns.run_in_threads([partial(netns.in_namespace, name, _own) for name in wanted])
    return dict(zip(wanted, found, strict=True))


def _own() -> Counters:
    return parse_counters("".join(read(file) or "" for file in _FILES))


def parse_counters(text: str) -> dict[str, int]:
    """Return the counters of MEANINGS: pairs of lines, the first with names, the second with values."""
    found: dict[str, int] = {}
    lines = [line.split() for line in text.splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        for name, value in zip(names[1:], values[1:], strict=False):
            if name in MEANINGS:
                found[name] = found.get(name, 0) + int(value)
    return found


def grown(before: Mapping[NetnsName, Counters], after: Mapping[NetnsName, Counters]) -> dict[NetnsName, tuple[str, ...]]:
    """Return for each namespace the counters that have grown, those that say most first."""
    return {
        name: tuple(one for one in MEANINGS if found.get(one, 0) > before.get(name, {}).get(one, 0))
        for name, found in after.items()
    }
