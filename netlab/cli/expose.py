"""`netlab expose`: a Service in front of what is there."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options
from netlab.cli.options import example, file_option, kinds_argument
from netlab.cli.query import named
from netlab.cli.words import already_exists, usage
from netlab.manifest.edits import parse_pairs
from netlab.manifest.generate import Exposure, new_service
from netlab.model.lab import Cluster


@click.command(
    "expose",
    epilog=example(
        "netlab expose deployment frontend --name shop --port 8080 --target-port 80 --dry-run=client -o yaml",
        "netlab expose deployment frontend --name edge --type NodePort",
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
        cluster_ip=cluster_ip,
        selector=parse_pairs(selector.split(","), "label").values if selector else {},
        labels=parse_pairs(labels.split(","), "label").values if labels else {},
    )

    def make(cluster: Cluster) -> list[Wish]:
        found = named(cluster, words, files, change.namespace)
        services = [new_service(item, told) for item in found]
        for service in services:
            if service.key in cluster.objects:
                raise already_exists("Service", service.metadata.name)
        return [Wish(service, "exposed") for service in services]

    if not words and not files:
        raise usage("name what to expose", "for example: netlab expose deployment web --port 80")
    ctx.exit(mutate(change, make))
