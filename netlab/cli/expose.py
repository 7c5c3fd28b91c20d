"""`netlab expose`: a Service in front of what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, show_generated, targets
from netlab.cli.options import example, file_option, kinds_argument, live_lab
from netlab.cli.query import Selection
from netlab.cli.saying import say_error
from netlab.cli.words import already_exists, nothing_named
from netlab.engine.view import read_objects
from netlab.errors import NotFound
from netlab.manifest.edits import parse_values
from netlab.manifest.generate import Exposure, new_service
from netlab.model.addresses import canonical_ip
from netlab.model.lab import Cluster
from netlab.model.service import Service


@click.command(
    "expose",
    epilog=example(
        "netlab expose deployment frontend --name=shop --port=8080 --target-port=80 --dry-run=client -o yaml",
        "netlab expose deployment frontend --name=edge --type=NodePort",
        "netlab expose service frontend --name=frontend-headless --cluster-ip=None",
    ),
)
@kinds_argument
@file_option
@click.option("--name", default="", help="Of the Service. [default: that of the object]")
@click.option("--port", type=click.IntRange(1, 65535), help="Of the Service. [default: the containers' ports]")
@click.option("--target-port", default="", metavar="PORT|NAME", help="Of the containers. [default: that of the Service]")
@click.option("--type", "kind", type=click.Choice(["ClusterIP", "NodePort"]), default="ClusterIP", show_default=True)
@click.option("--protocol", type=click.Choice(["TCP", "UDP"]), help="[default: that of the containers' ports, or TCP]")
@click.option("--selector", default="", metavar="KEY=VALUE,...", help="[default: the object's own]")
@click.option("--cluster-ip", default="", metavar="IP|None", help="A virtual IP of your choice, or None: headless.")
@click.option("-l", "--labels", default="", metavar="KEY=VALUE,...", help="Of the Service. [default: those of the object]")
@mutation_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    name: str,
    port: int | None,
    target_port: str,
    kind: str,
    protocol: str | None,
    selector: str,
    cluster_ip: str,
    labels: str,
    change: Mutation,
) -> None:
    """Make a Service for a Pod, a Deployment's Pods, or the Pods of another Service."""
    told = Exposure(
        name=name,
        port=port,
        target_port=target_port,
        type=kind,
        protocol=protocol or "",
        cluster_ip=canonical_ip(cluster_ip),
        selector=parse_values(selector.split(","), "label") if selector else {},
        labels=parse_values(labels.split(","), "label") if labels else {},
    )
    if not words and not files:
        raise nothing_named()

    def services(cluster: Cluster) -> Iterator[Service | NotFound]:
        for item in targets(cluster, words, files, change.namespace, Selection()):
            yield item if isinstance(item, NotFound) else new_service(item, told)

    def make(cluster: Cluster) -> Iterator[Wish | NotFound]:
        for service in services(cluster):
            if not isinstance(service, NotFound) and service.key in cluster.objects:
                raise already_exists("Service", service.metadata.name)
            yield service if isinstance(service, NotFound) else Wish(service, "exposed")

    if change.dry_run == "client":
        ctx.exit(_show(change, list(services(read_objects(live_lab(change.lab))))))
    ctx.exit(mutate(change, make))


def _show(change: Mutation, found: Sequence[Service | NotFound]) -> int:
    """Print the Services as they would be made, and return the exit code."""
    show_generated(change, [one for one in found if isinstance(one, Service)], "exposed")
    missing = [one for one in found if isinstance(one, NotFound)]
    for error in missing:
        say_error(error)
    return 1 if missing else 0
