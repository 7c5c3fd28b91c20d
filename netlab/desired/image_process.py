"""What runs in a container: the words and variables of its spec, and what they leave to its image. Pure.

    command   args     runs
    -         -        ENTRYPOINT CMD
    -         args     ENTRYPOINT args
    command   -        command
    command   args     command args

Variables are the image's first, those of the Pod win. Source: Kubernetes docs, define-command-argument-container.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from netlab.errors import NetlabError
from netlab.netstate.image import Image, ImageConfig
from netlab.netstate.process import ContainerProcess

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def arguments(config: ImageConfig, command: tuple[str, ...], args: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is executed; nothing if neither says."""
    if command:
        return command + args
    return config.entrypoint + (args or config.cmd)


def process_of_image(
    image: Image | None,
    *,
    name: str,
    command: tuple[str, ...],
    args: tuple[str, ...],
    variables: Mapping[str, str],
    cwd: str,
    user: str,
) -> ContainerProcess:
    """Return the process of a container; one whose image is not here yet has no image, and cannot be started.

    Args:
        image: what its image is, None if it is not here.
        name: the container's.
        command: of the spec, variables replaced.
        args: of the spec, variables replaced.
        variables: of the spec and of Services.
        cwd: of the spec, empty for the image's.
        user: who it runs as, names being the image's.

    Raises:
        NetlabError: the image does not say how it is to be run in a way that can be understood.
    """
    if image is None:
        return ContainerProcess(name=name, args=())
    if image.flaw:
        raise NetlabError(image.flaw)
    config = image.config
    return ContainerProcess(
        name=name,
        args=arguments(config, command, args),
        env=tuple(({"PATH": PATH} | dict(config.env) | dict(variables)).items()),
        cwd=cwd or config.working_dir or "/",
        image=image.id,
        image_user=user,
        image_volumes=config.volumes,
        stop_signal=config.stop_signal,
    )
