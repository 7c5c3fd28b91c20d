"""What `netlab trace` prints and writes: lines, JSON, a capture file, a page, a picture."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netlab.cli.saying import say
from netlab.engine.trace import Trace
from netlab.engine.xray import Whys
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.packets.names import Names
from netlab.packets.steps import Passage
from netlab.packets.telling import STYLES, Line, Telling, Told, essential, is_telling
from netlab.packets.trace_json import as_data
from netlab.packets.verdict import Case, Verdict, verdict
from netlab.packets.verdict import Told as Heard
from netlab.store.paths import LabPaths

if TYPE_CHECKING:
    from netlab.packets.graph import LabGraph

JSON, WIDE = "json", "wide"


class Shown:
    """How traces are shown. `form` is `json`, `wide` or "" for the story alone."""

    def __init__(self, names: Names, whys: Whys, form: str) -> None:
        self.names, self.whys, self.form = names, whys, form

    def judge(self, trace: Trace) -> Verdict:
        """Return what became of the request."""
        outcome = trace.outcome
        return verdict(
            Case(
                passages=trace.passages,
                told=Heard(answered=outcome.state == "answered", trouble=outcome.trouble, took_s=outcome.took_s),
                netns=trace.request.netns,
                sent=trace.sent,
                walks=trace.walks,
                names=self.names,
                unproved=trace.unproved | set(trace.lost),
                counted=trace.counted,
            )
        )

    def data(self, trace: Trace, found: Verdict) -> dict[str, Any]:
        """Return the trace as the JSON has it."""
        return as_data(
            trace.sent,
            trace.passages,
            found,
            started_ns=trace.started_ns,
            took_s=trace.outcome.took_s,
            names=self.names,
            why=self.whys,
            unproved=trace.unproved,
            lost=trace.lost,
        )

    def show(self, trace: Trace, found: Verdict, number: int, count: int) -> None:
        """Print the trace, the `number`th of so many from 0 on."""
        if self.form == JSON:
            click.echo(json.dumps(self.data(trace, found), indent=2, ensure_ascii=False))
            return
        if count > 1:
            click.echo(f"{chr(10) if number else ''}request {number + 1} of {count}")
        told = Told(passages=trace.passages, started_ns=trace.started_ns, verdict=found)
        for line in Telling(self.names, self.whys, wide=self.form == WIDE).lines(told):
            click.echo(_styled(line))
        for name in sorted(trace.lost):
            say(f"warning: {name} lost packets: there may be more than is shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files to write; "" or None is none."""

    paths: LabPaths
    pcapng: str | None = None
    html: str | None = None
    svg: str | None = None

    def write(self, shown: Shown, trace: Trace, found: Verdict, number: int | None) -> None:
        """Write them. With a number it is in their names: `trace-2.html` for the second one.

        Raises:
            NetlabError: one cannot be written.
        """
        if self.pcapng:
            from netlab.packets.trace_file import trace_file  # noqa: PLC0415 - few write one

            _put(self.pcapng, number, trace_file(trace.packets, trace.passages, shown.names, "netlab", trace.lost))
        if self.html or self.svg:
            self._draw(shown, trace, found, number)

    def _draw(self, shown: Shown, trace: Trace, found: Verdict, number: int | None) -> None:
        from netlab.packets.layout import layout  # noqa: PLC0415
        from netlab.packets.trace_page import trace_page  # noqa: PLC0415
        from netlab.packets.trace_picture import on_the_way, stops, trace_svg  # noqa: PLC0415

        passages = [_told(one) for one in essential(trace.passages)]
        drawing = layout(on_the_way(_graph(self.paths), passages))
        placed = stops(passages, drawing)
        if self.svg:
            _put(self.svg, number, trace_svg(drawing, placed).encode())
        if self.html:
            _put(self.html, number, trace_page(shown.data(trace, found), drawing, placed).encode())


@functools.lru_cache(maxsize=1)
def _graph(paths: LabPaths) -> LabGraph:
    """The lab is looked at once, however many requests are drawn."""
    from netlab.engine.lab_graph import look_at_lab  # noqa: PLC0415

    return look_at_lab(paths)


def _told(passage: Passage) -> Passage:
    return replace(passage, steps=tuple(step for step in passage.steps if is_telling(step)))


def _put(file: str, number: int | None, data: bytes) -> None:
    path = Path(file)
    if number is not None:
        path = path.with_name(f"{path.stem}-{number + 1}{path.suffix}")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise NetlabError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    say(f"{path} written")


def _styled(line: Line) -> str:
    return "".join(_with_style(span.text, STYLES[span.style]) for span in line).rstrip()


def _with_style(text: str, style: str) -> str:
    match style:
        case "":
            return text
        case "bold":
            return click.style(text, bold=True)
        case "dim":
            return click.style(text, dim=True)
        case colour:
            return click.style(text, fg=colour)
