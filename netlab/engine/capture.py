"""A capture of a lab: where its objects are seen, and a pcapng file of what was seen there."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from netlab.engine.view import open_store
from netlab.kernel.capture_files import CaptureFiles
from netlab.kernel.interfaces import ethernet_interfaces
from netlab.kernel.packet_ring import RawPacket
from netlab.netstate.seen import Place
from netlab.packets.names import Names
from netlab.packets.pcapng import Counts, Interface, enhanced_packet, head, tail
from netlab.packets.places import Interfaces
from netlab.store.paths import LabPaths


def look_at_interfaces(paths: LabPaths) -> Interfaces:
    """Return the interfaces of every namespace of the lab that exists. Raises NotFound without such a lab."""
    with contextlib.closing(open_store(paths)) as store:
        return ethernet_interfaces(sorted(store.namespaces()))


def file_head(places: Iterable[Place], names: Names, *, words: Sequence[str] = (), snaplen_bytes: int = 0) -> bytes:
    """Return what a pcapng file of packets of these places begins with: interfaces by their words, names of addresses."""
    machine = os.uname()
    expression = " ".join(words)
    return head(
        (
            Interface(name=names.place(one), description=f"netns {one.netns}", filter=expression, snaplen_bytes=snaplen_bytes)
            for one in places
        ),
        application=f"netlab {version('netlab')}",
        system=f"{machine.sysname} {machine.release}",
        hardware=machine.machine,
        names={address: (name,) for address, name in names.addresses.items()},
    )


class Recording:
    """Packets on their way into files."""

    def __init__(self, files: CaptureFiles) -> None:
        self._files = files
        self._started_ns = time.time_ns()

    def add(self, packets: Iterable[RawPacket]) -> None:
        """Write packets, all at once as far as they go into one file. Raises OSError."""
        if not self._files.size_bytes:
            self._files.write(*[enhanced_packet(*one) for one in packets])
            return
        for one in packets:
            if self._files.is_full:
                self._files.turn()
            self._files.write(enhanced_packet(*one))

    def end(self, places: Sequence[Place], counts: Mapping[Place, tuple[int, int]]) -> None:
        """Write what each place counted. Raises OSError."""
        told = {n: Counts(packets=counts[place][0], dropped=counts[place][1]) for n, place in enumerate(places)}
        self._files.write(tail(told, started_ns=self._started_ns, ended_ns=time.time_ns()))
