"""`netlab capture`: packets of many places at once, on one clock, as lines with names or as one pcapng file.

Options are called as tcpdump's, where they do the same; only -n is netlab's here (numbers are always shown, names beside them).
Source: tcpdump(8), pcap-filter(7).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

import click

from netlab.cli.capture_lines import JsonLines, Lines, totals
from netlab.cli.capture_words import split_words, spots
from netlab.cli.durations import DurationType
from netlab.cli.options import complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.saying import say
from netlab.cli.words import usage
from netlab.engine.capture import Count, Recording, Section, View, look
from netlab.errors import KernelError, NetlabError, NotFound
from netlab.frozen import dataclass
from netlab.kernel.capture import Capture
from netlab.kernel.capture_files import STDOUT, CaptureFiles
from netlab.kernel.inotify import Watch
from netlab.kernel.packet_filter import compile_filter
from netlab.kernel.packet_ring import RawPacket
from netlab.netstate.seen import Place
from netlab.packets.names import Names

FEW: Final = 6
MEGABYTE: Final = 1_000_000
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where packets go: lines to standard output, a file, or both. `path` "" is no file; `lines` None are none."""

    path: str
    lines: type[Lines] | None
    rotate_bytes: int
    rotate_count: int


@click.command(
    "capture",
    epilog=example(
        "netlab capture deploy/frontend --duration 1s",
        "netlab capture svc/redis-master tcp port 6379 --duration 1s",
        "netlab capture node-1 outside -i eth0 --duration 1s not arp",
        "netlab capture --all -w all.pcapng --duration 1s",
        "netlab capture svc/frontend -w - --duration 1s | tcpdump -nr -",
        "netlab capture --all -w ring.pcapng -C 10 -W 4 --duration 1s",
        "netlab capture deploy/frontend -o json --duration 1s",
    ),
)
@click.option("--all", "everything", is_flag=True, help="Every interface of the lab.")
@click.option(
    "-i", "--interface", "ifnames", multiple=True, metavar="NAME", help="Only interfaces of this name; may be repeated."
)
@click.option("-w", "--write", default="", metavar="FILE|-", help="Write pcapng instead of lines; - is standard output.")
@click.option("--print", "with_lines", is_flag=True, help="With -w FILE: lines, too.")
@click.option("-o", "--output", "form", type=click.Choice(["json"]), help="Lines as JSON, an object each.")
@click.option(
    "-C", "--rotate-size", type=click.IntRange(min=0), default=0, metavar="MB",
    help="Begin a new file, FILE1, FILE2 ..., after so many million bytes.",
)  # fmt: skip
@click.option(
    "-W", "--rotate-count", type=click.IntRange(min=0), default=0, metavar="N",
    help="With -C: keep N files, FILE0, FILE1 ..., and write over the oldest.",
)  # fmt: skip
@click.option("-c", "--count", type=click.IntRange(min=0), default=0, metavar="N", help="End after N packets.")
@click.option("--duration", type=DurationType(), default="0", metavar="TIME", help="End after 10s, 2m ...")
@click.option(
    "-s", "--snapshot-length", type=click.IntRange(0, 262_144), default=0, metavar="BYTES",
    help="Only the beginning of each packet; 0: all of it.",
)  # fmt: skip
@namespace_option
@lab_option
@click.argument("words", nargs=-1, metavar="WHAT... [FILTER]", shell_complete=complete_targets)
@click.pass_context
def command(
    ctx: click.Context, *, everything: bool, ifnames: tuple[str, ...], write: str, with_lines: bool, form: str | None,
    rotate_size: int, rotate_count: int, count: int, duration: float, snapshot_length: int, namespace: str | None, lab: str,
    words: tuple[str, ...],
) -> None:  # fmt: skip
    """Capture packets until Ctrl-C, of all places where objects are seen, as one.

    WHAT is a Pod (its eth0), svc/NAME (its Pods and the Nodes' side), deploy/NAME (its Pods), or a Node, `outside` or `fabric`
    (all interfaces). FILTER is tcpdump's: tcp port 80. A line has time, place, direction (→ sent, ← received) and the packet;
    behind it, what was translated since it was seen before.
    """
    objects, words = split_words(words)
    output = checked(write, rotate_size, rotate_count, with_lines=with_lines, form=form)
    if duration < 0:
        raise usage("--duration must not be negative", "write for example 10s")
    if everything and objects:
        raise usage("--all is every interface: name no object beside it", f"leave out --all, or {' '.join(objects)}")
    program = compile_filter(words, snapshot_length)
    paths = live_lab(lab)
    chosen = None if everything else partial(spots, words=objects, namespace=namespace or "default")
    view = look(paths, chosen, ifnames)
    later = partial(chosen, missing_ok=True) if chosen else None
    with ExitStack() as stack:
        seeing = Seeing(view.names, partial(look, paths, later, ifnames))
        capture = stack.enter_context(
            Capture(
                view.places, program=program, output=sys.stdout.fileno(), lost=seeing.lost,
                changes=Watch([paths.state], modified=True), changed=lambda: seeing.follow(capture),
            )
        )  # fmt: skip
        section = Section(view, words=words, snaplen_bytes=snapshot_length)
        seeing.sinks += opened(stack, output, section, view, lambda: capture.counts)
        stack.enter_context(stopped_by_signals(capture))
        say(f"listening on {seeing.listed(view.places)}; Ctrl-C ends")
        seeing.run(capture, limit=count, duration_s=duration or None)
        nobody_left = not capture.is_anybody_left
    ctx.exit(1 if nobody_left else 0)


class Seeing:
    """A capture under way: what the user is told of it, and `sinks`, who take the packets."""

    def __init__(self, names: Names, look_again: Callable[[], View]) -> None:
        self.names, self._look_again = names, look_again
        self.sinks: list[Recording | Lines] = []

    def run(self, capture: Capture, *, limit: int, duration_s: float | None) -> None:
        """Pass packets on until the end, and say how many there were, however it ended. Raises OSError."""
        captured = 0
        try:
            for packets in limited(capture.batches(duration_s), limit):
                captured += len(packets)
                for sink in self.sinks:
                    sink.add(packets)
            for sink in self.sinks:
                sink.end()
        finally:
            for line in totals(captured, capture.counts, self.names):
                say(line)

    def lost(self, gone: Collection[Place]) -> None:
        """Say which places are no more."""
        for place in gone:
            say(f"{self.names.place(place)} is gone")

    def follow(self, capture: Capture) -> None:
        """Look at what has come meanwhile, too. Where the lab or an object is gone, what is left of it goes on."""
        try:
            view = self._look_again()
            new = capture.join(view.places)
        except (NotFound, KernelError):  # or a place that has gone while we looked: there will be another change
            return
        if new:
            self.names = view.names
            for sink in self.sinks:
                sink.follow(capture.sockets.places, view.names)
            say(f"listening on {self.listed(new)}, too")

    def listed(self, places: Sequence[Place]) -> str:
        """Return a few places by name, many by their number."""
        if len(places) > FEW:
            return f"{len(places)} interfaces"
        return ", ".join(map(self.names.place, places))


def opened(stack: ExitStack, output: Output, section: Section, view: View, counts: Count) -> Iterator[Recording | Lines]:
    """Yield whoever takes the packets; files are closed by the stack. Raises OSError."""
    if output.path:
        files = CaptureFiles(output.path, section.head, size_bytes=output.rotate_bytes, count=output.rotate_count)
        yield Recording(stack.enter_context(files), section, counts)
    if output.lines:
        yield output.lines(view.places, view.names)


def checked(write: str, rotate_size: int, rotate_count: int, *, with_lines: bool, form: str | None = None) -> Output:
    """Return where packets go. Raises ManifestError, NetlabError."""
    if rotate_size and write in {"", STDOUT}:
        raise usage("-C needs a file", "add -w FILE")
    if rotate_count and not rotate_size:
        raise usage("-W needs -C", "for example -C 10 -W 4")
    if with_lines and write == STDOUT:
        raise usage("lines and packets cannot both go to standard output", "write packets to a file: -w FILE")
    if form and write and not with_lines:
        raise usage("-o says how lines are printed, and -w prints none", "add --print, or leave out -o")
    if write == STDOUT and sys.stdout.isatty():
        raise NetlabError("packets are nothing for a terminal; use -w FILE, or pipe them: -w - | tshark -r -")
    lines = (JsonLines if form else Lines) if with_lines or not write else None
    return Output(path=write, lines=lines, rotate_bytes=rotate_size * MEGABYTE, rotate_count=rotate_count)


def limited(batches: Iterable[list[RawPacket]], limit: int) -> Iterator[list[RawPacket]]:
    """Yield batches until there were so many packets; 0: all of them."""
    left = limit
    for packets in batches:
        yield packets[:left] if limit else packets
        left -= len(packets)
        if limit and left <= 0:
            return


@contextmanager
def stopped_by_signals(capture: Capture) -> Iterator[None]:
    """Within the block a signal that would end us ends the capture, so that its file is whole."""
    before = {one: signal.signal(one, lambda _, __: capture.stop()) for one in ENDINGS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
