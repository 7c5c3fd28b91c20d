"""`netlab version`: of netlab, and of what it works with."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version

import click

from netlab.cli.options import example


@click.command("version", epilog=example("netlab version", "netlab version -o json"))
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="As data.")
@click.option("--client", is_flag=True, help="Accepted for kubectl's sake: there is no server.")
def command(*, output: str | None, client: bool) -> None:  # noqa: ARG001 - see its help
    """Print the version of netlab, of Python and of the kernel."""
    found = {
        "netlabVersion": version("netlab"),
        "pythonVersion": platform.python_version(),
        "kernelVersion": platform.release(),
        "platform": f"{sys.platform}/{platform.machine()}",
    }
    if output == "json":
        click.echo(json.dumps(found, indent=4))
    else:
        titles = found if output == "yaml" else {"Netlab Version": 0, "Python Version": 0, "Kernel Version": 0, "Platform": 0}
        click.echo("\n".join(f"{title}: {value}" for title, value in zip(titles, found.values(), strict=True)))
