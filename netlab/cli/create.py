"""`netlab create`: ConfigMaps and Secrets from literals, files and lists of variables; the rest is in create_workload.py.

Source: kubectl create (v1.32).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from netlab.cli.create_workload import create, deployment, job, namespace
from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.mutation import Mutation, mutation_options
from netlab.cli.options import example
from netlab.errors import NetlabError
from netlab.manifest.config_sources import contents, key_pair, new_config_map, new_secret, registry_login

F = TypeVar("F", bound=Callable[..., object])
DOCKER_HUB = "https://index.docker.io/v1/"
LOGIN = "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required"


def source_options(function: F) -> F:
    """Add the options that say where keys and values come from."""
    for name, what in (
        ("--from-env-file", "A file of lines KEY=VALUE; may be repeated."),
        ("--from-file", "A file, [KEY=]PATH, or the files of a directory; may be repeated."),
        ("--from-literal", "KEY=VALUE; may be repeated."),
    ):
        function = click.option(name, multiple=True, metavar=name.removeprefix("--from-").upper(), help=what)(function)
    return function


@click.group("create", cls=VerbGroup, invoke_without_command=True)
@early_options
@click.pass_context
def command(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """Make one object from words. Everything else is made by apply."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError(f"must specify one of {', '.join(command.commands)}")


@command.command("configmap", epilog=example("netlab create configmap settings --from-literal=mode=dev --from-file=icons"))
@click.argument("name")
@source_options
@mutation_options
@click.pass_context
def configmap(
    ctx: click.Context,
    *,
    name: str,
    from_literal: tuple[str, ...],
    from_file: tuple[str, ...],
    from_env_file: tuple[str, ...],
    change: Mutation,
) -> None:
    """Make a ConfigMap."""
    data = contents("ConfigMap", from_literal, from_file, from_env_file)
    create(ctx, change, new_config_map(name, change.namespace or "default", data))


@command.group("secret", cls=VerbGroup, invoke_without_command=True)
@early_options
@click.pass_context
def secret(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """Make a Secret: generic, tls or docker-registry."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError(f"must specify one of {', '.join(secret.commands)}")


@secret.command("generic", epilog=example("netlab create secret generic login --from-literal=password=hunter2"))
@click.argument("name")
@click.option("--type", "type_", default="", help="What it is for.  [default: Opaque]")
@source_options
@mutation_options
@click.pass_context
def generic(
    ctx: click.Context,
    *,
    name: str,
    type_: str,
    from_literal: tuple[str, ...],
    from_file: tuple[str, ...],
    from_env_file: tuple[str, ...],
    change: Mutation,
) -> None:
    """Make a Secret from literals, files or lists of variables."""
    data = contents("Secret", from_literal, from_file, from_env_file)
    create(ctx, change, new_secret(name, change.namespace or "default", data, type_))


@secret.command("tls", epilog=example("netlab create secret tls web --cert=web.crt --key=web.key"))
@click.argument("name")
@click.option("--cert", required=True, metavar="PATH", help="The certificate, PEM.")
@click.option("--key", required=True, metavar="PATH", help="Its private key, PEM.")
@mutation_options
@click.pass_context
def tls(ctx: click.Context, *, name: str, cert: str, key: str, change: Mutation) -> None:
    """Make a Secret from a certificate and its key."""
    create(ctx, change, new_secret(name, change.namespace or "default", key_pair(cert, key), "kubernetes.io/tls"))


@secret.command("docker-registry", epilog=example("netlab create secret docker-registry pull --from-file=.docker/config.json"))
@click.argument("name")
@click.option("--docker-server", default=DOCKER_HUB, show_default=True, help="The registry.")
@click.option("--docker-username", default="", help="Who logs in.")
@click.option("--docker-password", default="", help="With which password.")
@click.option("--docker-email", default="", help="And which address.")
@click.option("--from-file", multiple=True, metavar="FILE", help="A config.json of docker, in place of all this.")
@mutation_options
@click.pass_context
def docker_registry(
    ctx: click.Context,
    *,
    name: str,
    docker_server: str,
    docker_username: str,
    docker_password: str,
    docker_email: str,
    from_file: tuple[str, ...],
    change: Mutation,
) -> None:
    """Make a Secret with the login to a registry of images."""
    if not from_file and not (docker_server and docker_username and docker_password):
        raise NetlabError(LOGIN)
    files = [word if "=" in word else f".dockerconfigjson={word}" for word in from_file]
    login = registry_login(docker_server, docker_username, docker_password, docker_email)
    data = contents("Secret", (), files, ()) if files else login
    create(ctx, change, new_secret(name, change.namespace or "default", data, "kubernetes.io/dockerconfigjson"))


for workload in (deployment, job, namespace):
    command.add_command(workload)
