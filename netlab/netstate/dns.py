"""A DNS query that was sent, and what came back. Source: RFC 1035 section 4.1."""

from __future__ import annotations

from typing import Literal, NamedTuple

from netlab.frozen import dataclass

Transport = Literal["udp", "tcp"]


class DnsRecord(NamedTuple):
    """One record: `ttl` in seconds, `data` as zone files write it."""

    name: str
    ttl: int
    kind: str
    data: str

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} {self.kind} {self.data}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsReply:
    """What one query brought: `rcode` (`NXDOMAIN`) and records, or `error` if nothing came.

    `client` is the address and port it was sent from; `took_ms` is the time until the answer, or until nobody waited any more.
    `error` is `timed out`, `refused` (the port is closed: ICMP said so), or what the system says.
    """

    rcode: str = ""
    records: tuple[DnsRecord, ...] = ()
    transport: Transport = "udp"
    client: tuple[str, int] = ("", 0)
    took_ms: float = 0.0
    error: str = ""
