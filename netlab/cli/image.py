"""`netlab image`: the images of this machine, which all labs share. `host` is none of them: it is the machine itself."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netlab.cli.cells import aligned
from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.options import complete_files, example
from netlab.cli.saying import say_error
from netlab.cli.text import as_json, as_yaml
from netlab.cli.words import usage
from netlab.desired.image_names import parse
from netlab.engine.image_changes import load, named, remove, remove_store
from netlab.engine.images import image_store
from netlab.engine.waiting_for_images import pull_and_wait
from netlab.errors import NetlabError
from netlab.kernel.machine import require_root
from netlab.netstate.image import Image, repository

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

TITLES = ("REPOSITORY", "TAG", "IMAGE ID", "SIZE")
NONE = "<none>"
ID_DIGITS = 13
UNITS = ("B", "kB", "MB", "GB", "TB")
KILO = 1000
STDIN = "-"


def complete_images(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of images that begin with what was typed."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

    with contextlib.suppress(NetlabError, OSError):
        names = [word for image in image_store().images() for word in _words(image)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return []


@click.group("image", cls=VerbGroup, invoke_without_command=True)
@early_options
@click.pass_context
def command(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """List, pull, load and remove the images that Pods can use.

    There is one store for all labs of this machine. It stays when a lab goes down, so that the next one need not pull again;
    `netlab image rm --all` clears it.
    """
    require_root()
    if ctx.invoked_subcommand is None:
        raise usage("what is to be done with images?", "netlab image list, pull, load or rm")


@command.command("list", epilog=example("netlab image list", "netlab image list -o json"))
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="All that is known of them.")
@click.option("--no-headers", is_flag=True, help="Leave out the line of headings.")
def list_images(*, output: str | None, no_headers: bool) -> None:
    """List the images that are here: SIZE is that of all layers unpacked, of which images can have some in common."""
    images = image_store().images()
    if output:
        shown = {"images": [_plain(image) for image in images]}
        click.echo((as_json if output == "json" else as_yaml)(shown).rstrip("\n"))
    elif rows := sorted(row for image in images for row in _rows(image)):
        click.echo(aligned(rows if no_headers else [TITLES, *rows]))
    else:
        click.echo("No images found; a Pod, `netlab image pull` or `netlab image load` brings some.", err=True)


@command.command("pull", epilog=example("netlab image pull 127.0.0.1:5000/team/web:1"))
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_context
def pull_images(ctx: click.Context, *, names: tuple[str, ...]) -> None:
    """Pull images from their registries, so that Pods need not wait for them.

    It goes on in the background if it is interrupted. A registry on this machine's own loopback is asked without TLS.
    """
    ctx.exit(_each(names, lambda name: pull_and_wait(image_store(), named(name)), "pulled"))


@command.command(
    "load",
    epilog=example("netlab image load web.tar", "netlab image load -i - --name web:2 < web.tar"),
)
@click.argument("file", required=False, metavar="FILE", shell_complete=complete_files)
@click.option("-i", "--input", "given", metavar="FILE", help="The file; - is standard input.", shell_complete=complete_files)
@click.option("--name", default="", metavar="NAME", help="The image's name, in place of the one in the file.")
def load_images(*, file: str | None, given: str | None, name: str) -> None:
    """Load images from an OCI archive, a Docker archive (`docker save`), or an OCI directory."""
    path = given or file
    if not path or (given and file):
        raise usage("one file is to be loaded", "netlab image load FILE, or -i -")
    with _file(path) as found:
        for loaded in load(image_store(), found, name):
            click.echo(f"image/{loaded} loaded")


@command.command("rm", epilog=example("netlab image rm --all", "netlab image load web.tar && netlab image rm web:1"))
@click.argument("names", nargs=-1, metavar="[NAME | ID]...", shell_complete=complete_images)
@click.option("--all", "everything", is_flag=True, help="All that no container uses.")
@click.pass_context
def remove_images(ctx: click.Context, *, names: tuple[str, ...], everything: bool) -> None:
    """Remove images, each with all names it has. One that a container uses stays."""
    if bool(names) == everything:
        raise usage("which images are to be removed?", "netlab image rm NAME..., or --all")
    store = image_store()
    words = [image.id for image in store.images()] if everything else names
    code = _each(words, lambda word: next(iter(remove(store, word).names), word[:ID_DIGITS]), "removed")
    if everything and not code:
        remove_store(store)
    ctx.exit(code)


def _each(words: Sequence[str], do: Callable[[str], str], done: str) -> int:
    """Do it for each word and say so; an error is said and the next word follows. Returns the exit code."""
    code = 0
    for word in words:
        try:
            click.echo(f"image/{do(word)} {done}")
        except NetlabError as error:
            say_error(error)
            code = code or error.exit_code
    return code


@contextlib.contextmanager
def _file(path: str) -> Iterator[Path]:
    """The file of this path; what comes on standard input is put into one."""
    if path != STDIN:
        yield Path(path)
        return
    import shutil  # noqa: PLC0415 - only here

    store = image_store()
    store.make()
    with tempfile.NamedTemporaryFile(dir=store.data) as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _rows(image: Image) -> list[tuple[str, ...]]:
    """A row for each name; an image whose name was given to another one has none."""
    cells = (image.id[:ID_DIGITS], size(image.size))
    return [(repository(name), _tag(name), *cells) for name in image.names] or [(NONE, NONE, *cells)]


def _tag(name: str) -> str:
    return NONE if "@" in name else name.rpartition(":")[2]


def _words(image: Image) -> list[str]:
    """How a person would write the names of an image."""
    return [parse(name).familiar for name in image.names]


def size(count: int) -> str:
    """Return a number of bytes in decimal units, with three digits: 72.1MB."""
    value, unit = float(count), 0
    while value >= KILO and unit < len(UNITS) - 1:
        value, unit = value / KILO, unit + 1
    return f"{value:.3g}{UNITS[unit]}"


def _plain(image: Image) -> dict[str, Any]:
    return {
        "id": f"sha256:{image.id}",
        "repoTags": [name for name in image.names if "@" not in name],
        "repoDigests": [image.reference] if image.names else [],
        "size": str(image.size),
        "layers": [f"sha256:{layer}" for layer in image.layers],
    }
