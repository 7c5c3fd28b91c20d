"""What stands behind `netlab capture`: objects first, then the words of a filter, without a mark between them.

The filter begins with the first word that a filter can begin with: a quoted expression, or one of pcap-filter(7)'s own words. A
Pod that is called like one of those is `pod/NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from typing import Final

from netlab.cli.find import find_machine, find_object, pods_of
from netlab.cli.words import usage
from netlab.desired.assignments import Assignments
from netlab.errors import NotFound
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.packets.places import Spot, spots_of_pod, spots_of_service

FILTER_WORDS: Final = frozenset(
    (
        "host", "net", "port", "portrange", "gateway", "src", "dst", "ether", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp",
        "icmp", "icmp6", "igmp", "pim", "ah", "esp", "vrrp", "proto", "protochain", "broadcast", "multicast", "less", "greater",
        "len", "vlan", "mpls", "inbound", "outbound", "not", "and", "or", "type", "link",
    )
)  # fmt: skip
_OBJECT: Final = re.compile(r"[-a-z0-9./]+", re.IGNORECASE)
NOTHING_NAMED: Final = "name what to capture: KIND/NAME, a Pod, a Node, `outside`, `fabric`, or --all"


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the objects and the filter."""
    end = next((n for n, word in enumerate(words) if _begins_filter(word)), len(words))
    return tuple(words[:end]), tuple(words[end:])


def _begins_filter(word: str) -> bool:
    """Tell whether a filter can begin with this: `tcp`, `ip[8]`, `!arp`, `(`, `tcp port 80`; an object's name never."""
    return word in FILTER_WORDS or not _OBJECT.fullmatch(word)


def spots(
    cluster: Cluster, assignments: Assignments, *, words: Sequence[str], namespace: str, missing_ok: bool = False
) -> Iterator[Spot]:
    """Yield where the objects are seen. Raises NotFound (unless `missing_ok`), ManifestError, NetlabError."""
    if not words:
        raise usage(NOTHING_NAMED, "for example pod/web, svc/web tcp port 80")
    for word in words:
        with suppress(NotFound) if missing_ok else nullcontext():
            yield from _spots(cluster, assignments, word, namespace)


def _spots(cluster: Cluster, assignments: Assignments, word: str, namespace: str) -> Iterator[Spot]:
    lab = cluster.lab.metadata.name
    machine = find_machine(cluster, word)
    if machine is not None:
        yield Spot(machine)
        return
    item = find_object(cluster, word, namespace)
    if isinstance(item, Service):
        yield from spots_of_service(lab, pods_of(cluster, item), assignments)
        return
    for pod in [item] if isinstance(item, Pod) else pods_of(cluster, item):
        yield from spots_of_pod(lab, pod, assignments)
