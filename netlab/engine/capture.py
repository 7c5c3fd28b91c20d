"""A capture of a lab: where its objects are seen, and a pcapng file of what was seen there."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib.metadata import version

from netlab.desired.assignments import Assignments
from netlab.engine.view import open_store
from netlab.frozen import dataclass
from netlab.kernel.capture_files import CaptureFiles
from netlab.kernel.interfaces import ethernet_interfaces
from netlab.kernel.packet_ring import RawPacket
from netlab.model.lab import Cluster
from netlab.netstate.seen import Place
from netlab.packets.names import Names, names_of
from netlab.packets.pcapng import Counts, Interface, enhanced_packet, head, interface_description, name_resolution, tail
from netlab.packets.places import Spot, places
from netlab.store.paths import LabPaths

Choose = Callable[[Cluster, Assignments], Iterable[Spot]]
"""Says where to look in a lab as it is now. May raise NotFound."""

Count = Callable[[], Mapping[Place, tuple[int, int]]]
"""Tells for each place how many packets its filter let through so far, and how many of them were lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where to look, and the words for what is seen."""

    places: tuple[Place, ...]
    names: Names


def look(paths: LabPaths, choose: Choose | None, only: Collection[str] = ()) -> View:
    """Return where what is chosen is seen now; None is every interface of the lab.

    Raises:
        NotFound: there is no such lab or object, or nothing of it to look at; `only` as in netlab.packets.places.
    """
    with contextlib.closing(open_store(paths)) as store:
        cluster, assignments, spaces = store.cluster(), store.assignments(), store.namespaces()
    interfaces = ethernet_interfaces(sorted(spaces))
    spots = choose(cluster, assignments) if choose else map(Spot, interfaces)
    return View(places=places(spots, interfaces, only), names=names_of(cluster, assignments))


class Section:
    """What a pcapng file says of a capture besides packets: interfaces by their words, names of addresses."""

    def __init__(self, view: View, *, words: Sequence[str] = (), snaplen_bytes: int = 0) -> None:
        self.places, self._names = view.places, view.names
        self._words, self._snaplen_bytes = " ".join(words), snaplen_bytes

    @property
    def head(self) -> bytes:
        """What a file begins with."""
        machine = os.uname()
        return head(
            map(self._interface, self.places),
            application=f"netlab {version('netlab')}",
            system=f"{machine.sysname} {machine.release}",
            hardware=machine.machine,
            names=_by_address(self._names),
        )

    def follow(self, places: Sequence[Place], names: Names) -> bytes:
        """Return what is to be written before packets of places that are new at the end of the list."""
        new, self.places, self._names = places[len(self.places) :], tuple(places), names
        return b"".join(interface_description(self._interface(one)) for one in new) + name_resolution(_by_address(names))

    def _interface(self, place: Place) -> Interface:
        return Interface(
            name=self._names.place(place),
            description=f"netns {place.netns}",
            filter=self._words,
            snaplen_bytes=self._snaplen_bytes,
        )


def _by_address(names: Names) -> dict[str, tuple[str, ...]]:
    return {address: (name,) for address, name in names.addresses.items()}


class Recording:
    """Packets on their way into files. `counts` tells what each place has counted so far; each file ends with that."""

    def __init__(self, files: CaptureFiles, section: Section, counts: Count) -> None:
        self._files, self._section, self._counts = files, section, counts
        self._started_ns = time.time_ns()

    def add(self, packets: Iterable[RawPacket]) -> None:
        """Write packets, all at once as far as they go into one file. Raises OSError."""
        if not self._files.size_bytes:
            self._files.write(*[enhanced_packet(*one) for one in packets])
            return
        for one in packets:
            if self._files.is_full:
                self.end()
                self._files.turn()
            self._files.write(enhanced_packet(*one))

    def follow(self, places: Sequence[Place], names: Names) -> None:
        """Write what has to be known of new places before their packets come. Raises OSError."""
        self._files.write(self._section.follow(places, names))
        self._files.head = self._section.head

    def end(self) -> None:
        """Write what each place has counted since the capture began. Raises OSError."""
        counts = self._counts()
        told = {n: Counts(packets=counts[place][0], dropped=counts[place][1]) for n, place in enumerate(self._section.places)}
        self._files.write(tail(told, started_ns=self._started_ns, ended_ns=time.time_ns()))
