"""`netlab create deployment`, `create job` and `create namespace`. Source: kubectl create (v1.32)."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, show_generated
from netlab.cli.options import example
from netlab.cli.words import already_exists, resource
from netlab.errors import Conflict
from netlab.manifest.generate_workloads import new_deployment, new_job, new_namespace
from netlab.model.lab import Cluster, KubernetesObject

words = click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
HOST_HELP = "The image; host is the VM's own programs."


@click.command(
    "deployment",
    epilog=example(
        "netlab create deployment web --replicas=3 --port=80 -- python3 -m http.server 80",
        "netlab create deployment web --image=nginx:1.27 --dry-run=client -o yaml",
    ),
)
@click.argument("name")
@words
@click.option("--image", "images", multiple=True, default=("host",), show_default="host", help=f"{HOST_HELP} May be repeated.")
@click.option("-r", "--replicas", type=click.IntRange(0), default=1, show_default=True, help="How many Pods.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port the container listens on.")
@mutation_options
@click.pass_context
def deployment(
    ctx: click.Context,
    *,
    name: str,
    args: tuple[str, ...],
    images: tuple[str, ...],
    replicas: int,
    port: int | None,
    change: Mutation,
) -> None:
    """Make a Deployment."""
    namespace = change.namespace or "default"
    create(ctx, change, new_deployment(name, namespace=namespace, images=images, command=args, replicas=replicas, port=port))


@click.command(
    "job",
    epilog=example(
        "netlab create job check -- getent hosts kubernetes.default", "netlab create job date --dry-run=client -o yaml -- date"
    ),
)
@click.argument("name")
@words
@click.option("--image", default="host", show_default=True, help=HOST_HELP)
@mutation_options
@click.pass_context
def job(ctx: click.Context, *, name: str, args: tuple[str, ...], image: str, change: Mutation) -> None:
    """Make a Job."""
    create(ctx, change, new_job(name, namespace=change.namespace or "default", image=image, command=args))


@click.command("namespace", epilog=example("netlab create namespace shop"))
@click.argument("name")
@mutation_options
@click.pass_context
def namespace(ctx: click.Context, *, name: str, change: Mutation) -> None:
    """Make a Namespace."""
    create(ctx, change, new_namespace(name))


def create(ctx: click.Context, change: Mutation, item: KubernetesObject) -> None:
    """Make the object, or show it. Raises Conflict if there is one of its name; the command ends here."""
    if change.dry_run == "client":
        show_generated(change, [item])
        return

    def make(cluster: Cluster) -> list[Wish]:
        if item.key in cluster.objects:
            raise _exists(item)
        return [Wish(item)]

    ctx.exit(mutate(change, make))


def _exists(item: KubernetesObject) -> Conflict:
    """Kubectl lets the server speak of a Namespace, and wraps its words for all else, for a Secret without the colon."""
    if item.kind == "Namespace":
        return already_exists(item.kind, item.metadata.name)
    colon = "" if item.kind == "Secret" else ":"
    return Conflict(f'failed to create {item.kind.lower()}{colon} {resource(item.kind)} "{item.metadata.name}" already exists')
