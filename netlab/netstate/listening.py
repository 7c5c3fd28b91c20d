"""Where somebody listens inside a network namespace, and what is answered there, in Linux words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from netlab.netstate.links import socket_text
from netlab.netstate.names import NetnsName


class Listener(NamedTuple):
    """A TCP socket that waits for clients; the address `0.0.0.0` or `::` stands for all of its family."""

    netns: NetnsName
    address: str
    port: int

    def __str__(self) -> str:
        return f"{socket_text(self.address, self.port)} in {self.netns}"


class Reply(NamedTuple):
    """An answer of HTTP; it is plain text unless `headers` say something else."""

    status: int
    body: str
    headers: Mapping[str, str] = {}
