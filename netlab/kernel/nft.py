"""nftables by libnftables: run a script in a namespace, read its table `inet netlab` back. Source: libnftables(3), nft(8).

The library is what the `nft` program is made of; called directly, a listing takes 0.3 ms instead of a process of 4 ms. A
context belongs to the namespace where it was made. The library keeps state of its own between contexts (interface names,
scanner), so one call runs at a time, and no context outlives its call but that of a held table, which is not asked again.
A large script is given to the program: it takes so long that Nodes had better be served side by side.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from netlab.errors import HostUnready
from netlab.kernel.findings import CURES
from netlab.kernel.late_close import close_later, next_descriptor, second_owner
from netlab.kernel.netlink import NETLINK_NETFILTER, Message, NetlinkSocket, attributes
from netlab.kernel.nft_listing import parse_table
from netlab.netstate.nft import NftTable

FAMILY: Final = "inet"
TABLE: Final = "netlab"
LARGE: Final = 1 << 19
"""Bytes of a script, some 1,500 Services: a tenth of a second, in which a process has long been started."""

# Of libnftables: NFT_CTX_OUTPUT_STATELESS (`nft -s`, no counters), _HANDLE (`-a`), _TERSE (`-t`, no elements).
STATELESS: Final = 1 << 2
HANDLES: Final = 1 << 3
TERSE: Final = 1 << 11
_NFT_MSG_GETTABLE: Final = (10 << 8) | 1
_NFTA_TABLE_NAME: Final = 1
_NFGENMSG_BYTES: Final = 4
FAMILIES: Final = {1: FAMILY, 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_lock = threading.Lock()


class NftError(Exception):
    """What nft said about a script, as text for the user."""


def run(script: str, flags: int = STATELESS) -> str:
    """Run `script` in the thread's namespace, all or nothing; return its output. Raises NftError with nft's own words."""
    library = load_library()
    with _lock, _context(library, flags, deletes="delete " in script) as context:
        return _run(library, context, script)


def is_large(script: str) -> bool:
    """Tell whether a script takes so long that others had better run beside it."""
    return len(script) > LARGE


def run_aside(script: str) -> str:
    """Run `script` as `run` does, by the nft program: other threads can do the same meanwhile. Raises NftError.

    The process ends with the thread that started it, so that nobody's rules come after its end.
    """
    import subprocess  # noqa: PLC0415 - most labs are small

    with _file(script) as number:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "nft", "-s", "-f", _name(number)], check=False, capture_output=True,
            pass_fds=(number,), stdin=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C is ours to hear: what was begun is finished
        )  # fmt: skip
    return _answer(number, done.returncode, done.stdout, done.stderr)


def _run(library: Any, context: int, script: str) -> str:
    with _file(script) as number:
        code = library.nft_run_cmd_from_filename(context, _name(number).encode())
        output = library.nft_ctx_get_output_buffer(context) or b""
        complaint = library.nft_ctx_get_error_buffer(context) or b""
    return _answer(number, code, output, complaint)


@contextmanager
def _file(script: str) -> Iterator[int]:
    """The number of a file that holds a script, because the library quotes the wrong line of a buffer."""
    with os.fdopen(os.memfd_create("nft", os.MFD_CLOEXEC), "wb") as file:
        file.write(script.encode())
        file.flush()
        yield file.fileno()


def _name(number: int) -> str:
    """What a file in memory is called."""
    return f"/proc/self/fd/{number}"


def _answer(number: int, code: int, output: bytes, complaint: bytes) -> str:
    """What nft printed. Raises NftError."""
    if code != 0:
        said = complaint.decode(errors="replace").replace(_name(number), "line").strip()
        raise NftError(said or f"nft failed with code {code}")
    return output.decode(errors="replace")


class Held:
    """What a script made in the thread's namespace, for as long as this process holds it: tables with `flags owner`.

    Such a table belongs to the netlink socket of the library's context: the kernel deletes it when that is closed, by `close`
    or because the process has ended, and lets nobody else change it meanwhile. Source: nf_tables_api.c (NFT_TABLE_F_OWNER).

    Raises:
        NftError: nft did not take the script; nothing is held then.
    """

    def __init__(self, script: str) -> None:
        library = load_library()
        self._context: int | None = None
        with _lock:
            context = _new_context(library, STATELESS)
            try:
                _run(library, context, script)
            except NftError:
                library.nft_ctx_free(context)
                raise
            self._context = context

    def close(self) -> None:
        """Let it go, from whichever thread; a second time is fine."""
        with _lock:
            if self._context is not None:
                load_library().nft_ctx_free(self._context)
                self._context = None


def observe(there: Collection[tuple[str, str]] | None = None) -> NftTable | None:
    """Return the table `inet netlab` of the thread's namespace; None if there is none. Raises NftError, OSError.

    `there` are the tables of the namespace, for who has asked for them already.
    """
    if (FAMILY, TABLE) not in (tables() if there is None else there):
        return None
    try:
        return parse_table(run(f"list table {FAMILY} {TABLE}"))
    except NftError:
        if (FAMILY, TABLE) not in tables():  # deleted between the two questions
            return None
        raise


def tables() -> frozenset[tuple[str, str]]:
    """Return the (family, name) of all tables of the thread's namespace, whoever made them. Raises OSError.

    The kernel itself is asked, which takes a tenth of a listing: most namespaces have none.
    """
    with NetlinkSocket(NETLINK_NETFILTER) as netlink:
        found = netlink.dump(Message(_NFT_MSG_GETTABLE, 0, bytes(_NFGENMSG_BYTES)))
    named = ((payload[0], attributes(payload, _NFGENMSG_BYTES)[_NFTA_TABLE_NAME]) for payload in found)
    return frozenset((FAMILIES.get(number, str(number)), name.rstrip(b"\0").decode()) for number, name in named)


@functools.cache
def load_library() -> Any:
    """Return libnftables. Raises HostUnready if it is not installed."""
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError as error:
        raise HostUnready(f"libnftables is missing: {CURES['nft']}") from error
    context = ctypes.c_void_p
    library.nft_ctx_new.argtypes, library.nft_ctx_new.restype = (ctypes.c_uint32,), context
    library.nft_ctx_free.argtypes, library.nft_ctx_free.restype = (context,), None
    library.nft_run_cmd_from_filename.argtypes = (context, ctypes.c_char_p)
    library.nft_ctx_output_set_flags.argtypes, library.nft_ctx_output_set_flags.restype = (context, ctypes.c_uint), None
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = (context,)
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        # The buffer is the context's; ctypes copies it into a bytes object before the context is freed.
        getattr(library, name).argtypes, getattr(library, name).restype = (context,), ctypes.c_char_p
    return library


@contextmanager
def _context(library: Any, flags: int, *, deletes: bool) -> Iterator[int]:
    number = next_descriptor()
    context = _new_context(library, flags)
    owner = second_owner(number) if deletes else None
    try:
        yield context
    finally:
        library.nft_ctx_free(context)
        if owner is not None:
            close_later(owner)


def _new_context(library: Any, flags: int) -> int:
    context = library.nft_ctx_new(0)
    if not context:
        raise NftError("libnftables gave no context")
    library.nft_ctx_output_set_flags(context, flags)
    library.nft_ctx_buffer_output(context)
    library.nft_ctx_buffer_error(context)
    return int(context)
