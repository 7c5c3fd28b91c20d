"""Figures with their units, what was asked of them, and how they are shown: median, lowest, highest, and a word about noise."""

from __future__ import annotations

import json
import os
import platform
import statistics
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

# What MISSION and the issues ask for, in the unit of the figure.
ASKED = {
    "cold up + guestbook + page by DNS name": "1500 ms",
    "down": "500 ms",
    "apply, unchanged": "300 ms",
    "get pods, 100 Pods": "120 ms",
    "get pods, 500 Pods": "150 ms",
    "netlab --help": "80 ms",
    "completion of a Pod's name": "150 ms",
    "completion of a verb": "150 ms",
    "container ends -> rules of a Node": "100 ms",
    "  then -> cluster DNS": "100 ms",
    "Pod networks, netlab": "150 /s",
    "memory of all processes, guestbook": "150 MB",
    "one Pod alone, created to Running": "55 ms",
    "Pods in bulk, created to Running": "55 /s",
    "exec of true, more than crun's own": "60 ms",
    "memory of a Pod beyond its program": "3 MB",
    "down, 300 ready Pods": "2000 ms",
    "agent idle, 300 Pods": "1 %",
    "load, 10000 Services: netlab": "500 ms",
    "load, 50000 Services: netlab": "3000 ms",
    "change, 10000 Services: netlab": "10 ms",
    "apply of 10000 Services and slices, YAML, rules on 3 Nodes": "6000 ms",
    "apply of 10000 Services and slices, JSON, rules on 3 Nodes": "6000 ms",
    "apply of 10000 Services with selectors, YAML, rules on 3 Nodes": "6000 ms",
    "Pod is ready -> rules on 3 Nodes, 10000 Services": "100 ms",
    **{f"  {which} against direct, {what}": "1.1 x" for which in ("first", "middle", "last") for what in ("median", "p99")},
    **{f"  {which} against direct, throughput": "0.95 x" for which in ("first", "middle", "last")},
    "DNS answers, 10000 Services": "50000 /s",
    "  against unbound, 10000 Services": "0.6 x",
    "DNS record changed -> answer": "100 ms",
    "trace across two Nodes, Enter to the last line": "500 ms",
    "instruments on, 12 interfaces, 2 Nodes": "80 ms",
    **{
        f"{which} {when}, {what}": "0.95 x"
        for which in ("others", "  by processor time,")
        for when in ("while instruments are on", "in a second with a trace")
        for what in ("round trips", "throughput")
    },
    "capture at 10 interfaces: netlab": "50000 /s",
    "  CPU: netlab": "100 %",
    "  lost: netlab": "0 packets",
    "500 Pods, 1-second probes, half TCP half HTTP": "50 %",
}


class Figure(NamedTuple):
    """One measured thing: its unit, and every value; or no value, and why."""

    unit: str
    values: list[float]
    note: str = ""


Figures = dict[str, Figure]


def add(found: Figures, name: str, unit: str, *values: float) -> None:
    """Add values to a figure."""
    found.setdefault(name, Figure(unit, [])).values.extend(values)


def leave_out(found: Figures, name: str, why: str) -> None:
    """Say why a figure is missing."""
    found[name] = Figure("", [], why)


def show(found: Figures, load: float) -> None:
    """Print the table; `load` is the load average from before the first run."""
    console = Console()
    table = Table("what", "median", "lowest", "highest", "n", "asked", title="netlab bench")
    for name, (unit, values, note) in found.items():
        if note:
            table.add_row(name, note)
            continue
        digits = 0 if unit in {"ms", "/s", "packets"} else 2
        spread = (f"{value:.{digits}f} {unit}" for value in (statistics.median(values), min(values), max(values)))
        table.add_row(name, *spread, str(len(values)), ASKED.get(name, ""))
    console.print(table)
    cpus = os.cpu_count() or 1
    noise = "NOISY: others were using this machine" if load > cpus else "quiet enough"
    console.print(f"{platform.platform()}, {cpus} CPUs, load before {load:.2f}: {noise}")


def write(path: Path, found: Figures, load: float) -> None:
    """Write every value for machines to read."""
    figures = {name: figure._asdict() for name, figure in found.items()}
    text = json.dumps({"machine": platform.platform(), "load_before": load, "figures": figures}, indent=2)
    path.write_text(f"{text}\n")
