"""The filter expressions of tcpdump, compiled to what the kernel runs for each packet of a socket. Source: pcap-filter(7).

Classic BPF: an array of struct sock_filter. The compiler is tcpdump's own, so every expression means what it means there.
Source: the kernel's networking/filter.rst; linux/filter.h.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import subprocess
from collections.abc import Sequence
from typing import Final

from netlab.errors import HostUnready, NetlabError
from netlab.kernel.findings import CURES

WHOLE_PACKET: Final = 262_144
"""More bytes than any packet has: tcpdump's own limit, and of that size its default."""

_SO_ATTACH_FILTER: Final = 26
_INSTRUCTION: Final = struct.Struct("=HBBI")
_RETURN: Final = 0x06  # BPF_RET | BPF_K: accept the packet, as many bytes as the operand says


class BadFilter(NetlabError):
    """The words are no filter expression; the message is tcpdump's."""


def compile_filter(words: Sequence[str], snaplen_bytes: int = 0) -> bytes:
    """Return the program that accepts what the words describe (none: everything), and of each packet the first so many bytes.

    Args:
        words: of a filter expression, in one or several arguments: `("tcp", "port 80")`.
        snaplen_bytes: how much of a packet is wanted; 0 is all of it.

    Raises:
        BadFilter: tcpdump does not understand them.
        HostUnready: there is no tcpdump.
    """
    snaplen = snaplen_bytes or WHOLE_PACKET
    if not words:
        return _INSTRUCTION.pack(_RETURN, 0, 0, snaplen)
    command = ("tcpdump", "-ddd", "-y", "EN10MB", "-s", str(snaplen), "--", *words)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise HostUnready(f"tcpdump is missing: {CURES['tcpdump']}") from None
    except ValueError as error:  # a NUL in a word
        raise BadFilter(f"can't parse filter expression: {error}") from None
    if done.returncode:
        raise BadFilter(done.stderr.strip().rpartition("\n")[2].removeprefix("tcpdump: "))
    _, *lines = done.stdout.splitlines()
    return b"".join(_INSTRUCTION.pack(*map(int, line.split())) for line in lines)


def attach_filter(opened: socket.socket, program: bytes) -> None:
    """Let the socket see only what the program accepts. Raises OSError."""
    kept = ctypes.create_string_buffer(program, len(program))
    length = len(program) // _INSTRUCTION.size
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", length, ctypes.addressof(kept)))
