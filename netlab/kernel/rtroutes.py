"""Routes as rtnetlink messages, and back. Source: rtnetlink(7), linux/rtnetlink.h, ip-route(8)."""

from __future__ import annotations

import ipaddress
import socket
import struct

from netlab.kernel.netlink import NLM_F_CREATE, NLM_F_REPLACE, Message, attribute, attributes, number
from netlab.kernel.rtnetlink import integer, packed
from netlab.netstate.links import ROUTE_PROTOCOL, Route, is_ipv6
from netlab.netstate.names import IfName

_RTM_NEWROUTE, _RTM_DELROUTE, _RTM_GETROUTE = 24, 25, 26
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_RT_TABLE_MAIN, _RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK, _RT_SCOPE_NOWHERE, _RTN_UNICAST = 254, 0, 253, 255, 1
_RTNH_F_ONLINK = 4
_RT = struct.Struct("=BBBBBBBBI")
_NOWHERE = {socket.AF_INET: bytes(4), socket.AF_INET6: bytes(16)}


def add_route(route: Route, index: int) -> Message:
    """Return the request for a route over the link `index`, in place of one to the same destination."""
    scope = _RT_SCOPE_UNIVERSE if route.via else _RT_SCOPE_LINK
    return Message(_RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _route(route, index, scope))


def delete_route(route: Route, index: int) -> Message:
    """Return the request that takes netlab's own route away; the same route of somebody else stays."""
    return Message(_RTM_DELROUTE, 0, _route(route, index, _RT_SCOPE_NOWHERE))


def _route(route: Route, index: int, scope: int) -> bytes:
    network = None if route.destination == "default" else ipaddress.ip_network(route.destination)
    length = network.prefixlen if network else 0
    family = socket.AF_INET6 if any(map(is_ipv6, (route.destination, route.via))) else socket.AF_INET
    flags = _RTNH_F_ONLINK if route.onlink else 0
    payload = _RT.pack(family, length, 0, 0, _RT_TABLE_MAIN, ROUTE_PROTOCOL, scope, _RTN_UNICAST, flags)
    payload += attribute(_RTA_DST, network.network_address.packed) if network and length else b""
    payload += attribute(_RTA_GATEWAY, packed(route.via)[1]) if route.via else b""
    return payload + number(_RTA_OIF, index)


def get_routes() -> Message:
    """Return the question for netlab's routes of the main table, of both families."""
    return Message(_RTM_GETROUTE, 0, _RT.pack(socket.AF_UNSPEC, 0, 0, 0, _RT_TABLE_MAIN, ROUTE_PROTOCOL, 0, 0, 0))


def parse_route(payload: bytes, names: dict[int, str]) -> Route | None:
    """Return the route; None if it is not netlab's. A host's route is written without its length, as ip(8) does."""
    family, length, _, _, table, protocol, _, _, flags = _RT.unpack_from(payload)
    if family not in _NOWHERE or protocol != ROUTE_PROTOCOL or table != _RT_TABLE_MAIN:
        return None
    found = attributes(payload, _RT.size)
    name = names.get(integer(found.get(_RTA_OIF)), "")
    nowhere = _NOWHERE[family]
    host = socket.inet_ntop(family, found.get(_RTA_DST, nowhere))
    destination = "default" if not length else host if length == len(nowhere) * 8 else f"{host}/{length}"
    via = socket.inet_ntop(family, found[_RTA_GATEWAY]) if _RTA_GATEWAY in found else ""
    return Route(destination=destination, dev=IfName(name), via=via, onlink=bool(flags & _RTNH_F_ONLINK))
