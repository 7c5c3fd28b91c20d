"""Making and removing links in batches: bridges, tunnels, veth pairs across namespaces.

Source: rtnetlink(7), drivers/net/veth.c.

A pair is one message (both ends with name, MAC, MTU, up, bridge port); its alias, which creation does not take, follows at
once. A crash in between leaves a link without a mark, known by its MAC, which is derived from what the link stands for:
adding it again finishes it. Anything else under a wanted name is not touched.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Sequence
from typing import Final, NoReturn

from netlab.errors import KernelError
from netlab.kernel import rtnetlink
from netlab.kernel.namespaces import OpenNamespace, OpenNamespaces
from netlab.kernel.netlink import Message
from netlab.kernel.rtnetlink import SeenLink
from netlab.netstate.links import Bridge, Link, Veth, Vxlan

NOT_OURS: Final = "the link does not carry this lab's mark: it belongs to somebody else"
_SIOCGIFINDEX: Final = 0x8933
_IFREQ = struct.Struct("=16si20x")


def link_index(namespace: OpenNamespace, name: str) -> int | None:
    """Return the index of a link, None if there is none. An ioctl answers in 2 us; a netlink question takes ten times that."""
    try:
        answer = fcntl.ioctl(namespace.netlink.fileno(), _SIOCGIFINDEX, _IFREQ.pack(name.encode(), 0))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise
    return int(_IFREQ.unpack(answer)[1])


def add_links(namespaces: OpenNamespaces, near: OpenNamespace, links: Sequence[Link]) -> list[Exception | None]:
    """Make links in `near`, marked and up at both ends; return for each what went wrong, None for nothing."""
    problems: list[Exception | None] = [None] * len(links)
    requests: dict[int, Message] = {}
    for position, link in enumerate(links):
        try:
            requests[position] = _creation(namespaces, near, link)
        except (KernelError, OSError) as error:
            problems[position] = error
    errors = dict(zip(requests, near.netlink.request(list(requests.values())), strict=True))
    for position, code in errors.items():
        try:
            if code == errno.EEXIST:
                _settle(namespaces, near, links[position])
            elif code:
                _raise(code)
            _mark_far_end(namespaces, links[position])
        except (KernelError, OSError) as error:
            problems[position] = error
    made = [position for position in requests if problems[position] is None]
    marks = near.netlink.request([_mark(links[position]) for position in made])
    for position, code in zip(made, marks, strict=True):
        problems[position] = OSError(code, os.strerror(code)) if code else None
    return problems


def set_mtus(namespaces: OpenNamespaces, near: OpenNamespace, wishes: Sequence[tuple[str, int]]) -> list[Exception | None]:
    """Give marked links of `near` their MTU (bytes), by name; return for each what went wrong."""
    problems: list[Exception | None] = []
    for name, mtu in wishes:
        found = _find(near, name)
        if found is None:
            problems.append(OSError(errno.ENODEV, os.strerror(errno.ENODEV)))
        elif found.alias != namespaces.mark:
            problems.append(KernelError(NOT_OURS))
        else:
            [code] = near.netlink.request([rtnetlink.set_mtu(name, mtu)])
            problems.append(OSError(code, os.strerror(code)) if code else None)
    return problems


def delete_links(namespaces: OpenNamespaces, near: OpenNamespace, names: Sequence[str]) -> list[Exception | None]:
    """Remove marked links of `near`; return for each what went wrong. One that is not there is fine.

    All go in one message: the kernel waits for its readers (RCU) once, not 16 ms for each. The group that names them is a
    random number, so that no group of a user's is hit.
    """
    problems: list[Exception | None] = [None] * len(names)
    present: list[str] = []
    for position, name in enumerate(names):
        found = _find(near, name)
        if found and found.alias != namespaces.mark:
            problems[position] = KernelError(NOT_OURS)
        elif found:
            present.append(name)
    if not present:
        return problems
    if len(present) == 1:
        requests = [rtnetlink.delete_link(present[0])]
    else:
        group = int.from_bytes(os.urandom(4), "big") | 0x40000000
        requests = [*(rtnetlink.group_link(name, group) for name in present), rtnetlink.delete_group(group)]
    for code in near.netlink.request(requests):
        if code not in {0, errno.ENODEV}:
            problems[names.index(present[0])] = OSError(code, os.strerror(code))
    return problems


def _creation(namespaces: OpenNamespaces, near: OpenNamespace, link: Link) -> Message:
    if isinstance(link, Bridge):
        return rtnetlink.add_bridge(link)
    if isinstance(link, Vxlan):
        return rtnetlink.add_vxlan(link)
    master = link_index(near, link.master) if link.master else 0
    if master is None:
        raise KernelError(f"no bridge {link.master}")
    return rtnetlink.add_veth(link, master, _far(namespaces, link).descriptor)


def _mark(link: Link) -> Message:
    return rtnetlink.mark_link(link.name, link.alias, link.mtu if isinstance(link, Bridge) else 0)


def _far(namespaces: OpenNamespaces, link: Veth) -> OpenNamespace:
    try:
        return namespaces.get(link.peer_netns)
    except KernelError as error:
        raise KernelError(f"peer {link.peer_netns}: {error}") from error


def _mark_far_end(namespaces: OpenNamespaces, link: Link) -> None:
    if isinstance(link, Veth):
        _request(_far(namespaces, link), rtnetlink.mark_link(link.peer_name, link.alias))


def _settle(namespaces: OpenNamespaces, near: OpenNamespace, link: Link) -> None:
    """A wanted name is taken: accept the link if it is the wanted one, replace it if it is ours, else refuse."""
    found = _find(near, link.name)
    if found is not None:
        _check_ours(namespaces, found, link.name, link.mac)
        if _is_wanted(namespaces, near, link, found):
            return
        _remove(near, link.name)
    if isinstance(link, Veth):
        far = _far(namespaces, link)
        blocking = _find(far, link.peer_name)
        if blocking is not None:
            _check_ours(namespaces, blocking, link.peer_name, link.peer_mac)
            _remove(far, link.peer_name)
    _request(near, _creation(namespaces, near, link))


def _check_ours(namespaces: OpenNamespaces, found: SeenLink, name: str, mac: str) -> None:
    half_made = not found.alias and found.mac == mac
    if found.alias != namespaces.mark and not half_made:
        raise KernelError(f"a link {name} that is not this lab's is in the way")


def _is_wanted(namespaces: OpenNamespaces, near: OpenNamespace, link: Link, found: SeenLink) -> bool:
    same = (found.mac, found.mtu) == (link.mac, link.mtu)
    if isinstance(link, Bridge):
        return same and found.kind == "bridge"
    if isinstance(link, Vxlan):
        mine = (found.vni, found.port, found.local) == (link.vni, link.port, link.local)
        return same and found.kind == "vxlan" and mine
    far = _far(namespaces, link)
    peer = _find(far, link.peer_name)
    master = link_index(near, link.master) if link.master else 0
    if peer is None or not same or found.kind != "veth" or found.master != master:
        return False
    nsid = rtnetlink.parse_nsid(near.netlink.ask(rtnetlink.get_nsid(far.descriptor)))
    ends = (peer.index, peer.peer_index, peer.mac, nsid) == (found.peer_index, found.index, link.peer_mac, found.peer_nsid)
    return ends and peer.mtu == link.mtu


def _find(namespace: OpenNamespace, name: str) -> SeenLink | None:
    try:
        return rtnetlink.parse_link(namespace.netlink.ask(rtnetlink.get_link(name)))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise


def _remove(namespace: OpenNamespace, name: str) -> None:
    """Remove a link; one that ends by itself meanwhile, because its peer's namespace does, is fine."""
    [code] = namespace.netlink.request([rtnetlink.delete_link(name)])
    if code not in {0, errno.ENODEV}:
        _raise(code)


def _request(namespace: OpenNamespace, message: Message) -> None:
    [code] = namespace.netlink.request([message])
    if code:
        _raise(code)


def _raise(code: int) -> NoReturn:
    raise OSError(code, os.strerror(code))
