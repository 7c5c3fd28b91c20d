"""`netlab run`: make a Pod that runs a command; with `-i` or `-t`, work in it at once."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, show_generated
from netlab.cli.options import example
from netlab.cli.words import already_exists
from netlab.desired.image_names import InvalidImageName, parse
from netlab.errors import NetlabError
from netlab.manifest.edits import parse_values
from netlab.manifest.generate import Exposure, new_pod, new_service
from netlab.model.lab import Cluster, KubernetesObject

WAITS = ("sleep", "infinity")
RESTARTS = ("Always", "OnFailure", "Never")


@click.command(
    "run",
    epilog=example(
        "netlab run client -- sleep infinity",
        "netlab run echo --port 8080 --expose -- python3 -m http.server 8080",
        "netlab run check --rm -i -- getent hosts redis-master",
        "netlab run web --dry-run=client -o yaml -- sleep infinity",
    ),
)
@click.argument("name")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@click.option("--image", default="host", show_default=True, help="The image; host is the VM's own programs.")
@click.option("-l", "--labels", metavar="KEY=VALUE,...", help="Labels of the Pod. [default: run=NAME]")
@click.option("--env", multiple=True, metavar="KEY=VALUE", help="A variable; may be repeated.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port the container listens on.")
@click.option("--expose", is_flag=True, help="Make a Service for --port as well.")
@click.option("--restart", default="Always", show_default=True, metavar="[Always|OnFailure|Never]")
@click.option(
    "--command", "as_command", is_flag=True, help="The words are the command, and no args; with image host they always are."
)
@click.option("-i", "--stdin", is_flag=True, help="Run the command in the Pod with our standard input; needs --rm.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal; needs --rm.")
@click.option("--rm", "remove", is_flag=True, help="With -i or -t: delete the Pod when the command has ended.")
@mutation_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    name: str,
    args: tuple[str, ...],
    image: str,
    labels: str | None,
    env: tuple[str, ...],
    port: int | None,
    expose: bool,
    restart: str,
    as_command: bool,
    stdin: bool,
    tty: bool,
    remove: bool,
    change: Mutation,
) -> None:
    """Make a Pod that runs a command."""
    _refuse(change, expose=expose and port is None, restart=restart, attached=stdin or tty, remove=remove)
    _check_image(image)
    pod = new_pod(
        name,
        namespace=change.namespace or "default",
        image=image,
        args=WAITS if remove else args,
        as_command=as_command or remove,
        labels=parse_values(labels.split(","), "label") if labels else None,
        env=parse_values(env, "environment variable") if env else None,
        port=port,
        restart=restart,
    )
    wishes: list[KubernetesObject] = [pod, *([new_service(pod, Exposure(port=port))] if expose else [])]
    if change.dry_run == "client":
        show_generated(change, wishes)
        return
    if remove:
        from netlab.cli.running import run_inside  # noqa: PLC0415 - exec's imports are needed here only

        ctx.exit(run_inside(change, pod, args, stdin=stdin, tty=tty))

    def make(cluster: Cluster) -> list[Wish]:
        for item in wishes:
            if item.key in cluster.objects:
                raise already_exists(item.kind, item.metadata.name)
        return [Wish(item) for item in wishes]

    ctx.exit(mutate(change, make))


def _check_image(image: str) -> None:
    """Raise NetlabError if no registry can have an image of this name."""
    try:
        parse(image)
    except InvalidImageName as error:
        raise NetlabError(f'Invalid image name "{image}": invalid reference format') from error


def _refuse(change: Mutation, *, expose: bool, restart: str, attached: bool, remove: bool) -> None:
    """Raise click.UsageError for flags that do not go together; `expose`: a Service is wanted, and no port is named."""
    wrong = {
        "--port must be set when exposing a service": expose,
        f"invalid restart policy: {restart}": restart not in RESTARTS,
        "--rm should only be used for attached containers": remove and not attached,
        "-i and -t need --rm; to enter a Pod that stays: netlab run, then netlab exec -it": attached and not remove,
        "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)": (
            attached and change.is_dry
        ),
    }
    for message, is_so in wrong.items():
        if is_so:
            raise click.UsageError(message)
