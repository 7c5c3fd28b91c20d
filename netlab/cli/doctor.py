"""`netlab doctor`: what this machine lacks or has in the way, a line each, with its cure.

The words of a line are those that another command fails with for the same reason (kernel/findings.py).
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator

import click

from netlab.cli.options import example
from netlab.cli.text import as_json_line
from netlab.engine.view import open_store
from netlab.errors import HostUnready, NetlabError
from netlab.kernel.doctor import checks, examine
from netlab.kernel.findings import Finding, is_root, not_looked_at, ok, warning
from netlab.store.paths import DATA_ROOT, LAB_NAME, LabPaths, labs

SIGNS = {"ok": ("ok", "green"), "warning": ("warn", "yellow"), "missing": ("FAIL", "red")}
LABS = "labs"


@click.command("doctor", epilog=example("netlab doctor", "netlab doctor --quiet", "netlab doctor -o json"))
@click.option("-q", "--quiet", is_flag=True, help="Only what is missing or in the way.")
@click.option("--uplink", is_flag=True, help="Look also at the machine's own firewall, which a lab alone never meets.")
@click.option("-o", "--output", type=click.Choice(["json"]), help="JSON lines.")
@click.pass_context
def command(ctx: click.Context, *, quiet: bool, uplink: bool, output: str | None) -> None:
    """Look what this machine lacks or has in the way, and say what to do about it.

    Nothing is changed: what must be tried is tried by a process that ends at once, and all of it with it. The exit code is 0 if
    nothing is missing that netlab needs, and 4 otherwise; warnings do not count.
    """
    table = checks(DATA_ROOT, uplink=uplink)
    width = max(len(name) for name, _ in table)
    unready = False
    for finding in itertools.chain(examine(table), _labs()):
        unready = unready or finding.state == "missing"
        if not (quiet and finding.state == "ok"):
            click.echo(_as_json(finding) if output else _line(finding, width))
    ctx.exit(HostUnready.exit_code if unready else 0)


def _line(finding: Finding, width: int) -> str:
    word, colour = SIGNS[finding.state]
    return f"{click.style(f'{word:<4}', fg=colour)}   {finding.name:<{width}}   {finding}"


def _as_json(finding: Finding) -> str:
    return as_json_line({"name": finding.name, "state": finding.state, "found": finding.found, "cure": finding.cure})


def _labs() -> Iterator[Finding]:
    """What is there of labs, and a line for each one that a command left unfinished."""
    if not is_root():
        yield not_looked_at(LABS)
        return
    there = labs()
    halves = [finding for name in there if (finding := _half(LabPaths(name)))]
    yield from halves or [ok(LABS, ", ".join(there) or "none")]
    for name in sorted({path.name for path in DATA_ROOT.glob("*") if re.fullmatch(LAB_NAME, path.name)} - set(there)):
        cure = f"netlab up --lab {name} && netlab down --lab {name}"
        yield warning(LABS, f"of lab {name}, which is gone, there are still files in {DATA_ROOT / name}", cure)


def _half(paths: LabPaths) -> Finding | None:
    """A lab that is half-made or half-removed; one that another command is just making looks the same."""
    try:
        with contextlib.closing(open_store(paths)) as store:
            if not store.fact("deleting"):
                return None
    except NetlabError:
        cure = f"netlab up --lab {paths.lab} finishes it, netlab down --lab {paths.lab} removes it"
        return warning(LABS, f"lab {paths.lab} is half-made", cure)
    return warning(LABS, f"lab {paths.lab} is half-removed", f"netlab down --lab {paths.lab}")
