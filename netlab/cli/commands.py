"""`netlab commands`: the lab as the lines that build it by hand."""

from __future__ import annotations

import click

from netlab.cli.options import example, lab_option, live_lab
from netlab.engine.view import read_wish


@click.command("commands", epilog=example("netlab commands", "netlab commands --network > lab.sh", "netlab commands --down"))
@click.option("--network", is_flag=True, help="Without the programs in the Pods.")
@click.option("--down", is_flag=True, help="The script that removes what the other one has built.")
@lab_option
def command(*, network: bool, down: bool, lab: str) -> None:
    """Print the lab as a shell script of ip and nft lines that builds it without netlab.

    Keep both scripts, take the lab down, and run the first as root: the same network, and in its Pods what runs there now.
    """
    from netlab.plan.script import build_script, removal_script  # noqa: PLC0415 - deciding is not needed to show the help

    cluster, assignments = read_wish(live_lab(lab))
    text = removal_script(cluster, assignments) if down else build_script(cluster, assignments, processes=not network)
    click.echo(text, nl=False)
