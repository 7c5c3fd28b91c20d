"""`netlab trace`: one real request, every hop, every rewrite, the rule that did it and the line of YAML behind that rule.

A request is sent as a program in the Pod would send it: a connection that is made and ended, a datagram, or a ping. Nothing is
simulated; instruments on the way see it, and are gone afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from netlab.cli.options import complete_files, complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.output import Output, OutputType
from netlab.cli.saying import say
from netlab.cli.words import usage
from netlab.engine.view import read_lab, read_wish

if TYPE_CHECKING:
    from netlab.cli.trace_words import LabNow
    from netlab.engine.trace import Request

ANSWER_S, LIVE_S = 2.0, 60.0
TOKEN_BYTES = 16
MOST_BYTES = 65_000


@click.command(
    "trace",
    epilog=example(
        "netlab trace deploy/frontend svc/redis-master",
        "netlab trace outside node-1:30080 --http /",
        "netlab trace svc/frontend deploy/redis-master -o wide",
        "netlab trace deploy/frontend svc/redis-master --html trace.html --pcapng trace.pcapng",
        "netlab trace deploy/frontend --dns redis-master",
        "netlab trace deploy/frontend svc/redis-master -o json",
    ),
)
@click.option("--udp", is_flag=True, help="Send a datagram, where no Service says the protocol.")
@click.option("--http", "path", metavar="PATH", help="When connected, ask for this path and wait for the answer.")
@click.option(
    "--count", type=click.IntRange(1, 1000), default=1, metavar="N", help="Send so many requests, one after the other."
)
@click.option("--size", type=click.IntRange(0, MOST_BYTES), metavar="BYTES", help="How much a datagram or ping carries.")
@click.option("--ttl", type=click.IntRange(1, 255), metavar="HOPS", help="The time to live of what is sent. [default: 64]")
@click.option("--live", is_flag=True, help="Send nothing: wait for the next request of a program in FROM, and show that.")
@click.option("--dns", "name", metavar="NAME", help="Ask the Pod's name server for the address of NAME; TO is left out.")
@click.option(
    "--expect", "expectations", metavar="FILE", shell_complete=complete_files,
    help="Send the requests that FILE lists, and check what became of each; FROM and TO are left out.",
)  # fmt: skip
@click.option("--junit", metavar="FILE", shell_complete=complete_files, help="With --expect: write the results for a CI.")
@click.option("-4", "family", flag_value="ipv4", help="By IPv4.")
@click.option("-6", "family", flag_value="ipv6", help="By IPv6.")
@click.option(
    "--timeout", type=click.FloatRange(0.01, 3600), metavar="SECONDS", help="How long to wait. [default: 2, with --live 60]"
)
@click.option(
    "--pcapng",
    "file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write what was seen, with a comment at each packet, for Wireshark.",
)
@click.option(
    "--html",
    "page",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write a page that plays the packet through the lab, to be opened anywhere.",
)
@click.option(
    "--svg",
    "picture",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write a picture of the lab with the way of the packet in it.",
)
@click.option("-o", "--output", type=OutputType(forms=("json", "wide")), help="Everything, as JSON or as text.")
@namespace_option
@lab_option
@click.argument("words", nargs=-1, metavar="FROM [TO[:PORT]]", shell_complete=complete_targets)
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Send a request and show its whole way, there and back.

    FROM is a Pod, TYPE/NAME, a Node or `outside`; TO is one of them, a Service or an address, with a port by number or name.
    Without a port it is a ping. The exit code is 0 if there was an answer, else 1.
    """
    from netlab.cli.trace_shown import Files, Shown  # noqa: PLC0415 - for who traces, and not for `--help`
    from netlab.cli.trace_words import LabNow  # noqa: PLC0415
    from netlab.engine.trace import take  # noqa: PLC0415
    from netlab.engine.xray import Whys, observe  # noqa: PLC0415
    from netlab.packets.names import names_of  # noqa: PLC0415

    paths = live_lab(given["lab"])
    wish, assignments = read_wish(paths)
    now = LabNow(read_lab(paths), assignments, observe(paths))
    output: Output | None = given["output"]
    shown = Shown(names_of(wish, assignments), Whys(paths, now.cluster), output.form if output else "")
    if given["expectations"]:
        from netlab.cli.trace_expect import check_all  # noqa: PLC0415

        if given["words"]:
            raise usage("--expect says from where to where itself", "leave FROM and TO out")
        ctx.exit(0 if check_all(given["expectations"], given["junit"], now, shown, given) else 1)
    source, to = _ends(given)
    request = request_of(now, {**given, "source": source, "to": to})
    files = Files(paths=paths, pcapng=given["file"], html=given["page"], svg=given["picture"])
    endings = []
    for number in range(given["count"]):
        if request.live:
            say(f"waiting for the next {request.protocol} request from {source} to {to or given['name']}")
        trace = take(now.net, request, os.getpid())
        verdict = shown.judge(trace)
        shown.show(trace, verdict, number, given["count"])
        files.write(shown, trace, verdict, number if given["count"] > 1 else None)
        endings.append(verdict.ending)
    ctx.exit(0 if set(endings) == {"answered"} else 1)


def _ends(given: Mapping[str, Any]) -> tuple[str, str]:
    """Return FROM and TO; TO is "" where a name server is asked."""
    words, wanted = given["words"], 1 if given["name"] else 2
    if len(words) != wanted:
        raise usage(f"{'FROM is' if wanted == 1 else 'FROM and TO are'} needed", "for example netlab trace pod/web svc/db")
    return words[0], words[1] if wanted > 1 else ""


def request_of(lab: LabNow, given: Mapping[str, Any]) -> Request:
    """Return what is asked for. Raises NotFound, NetlabError.

    Args:
        lab: the lab.
        given: `source` and `to`, and the options by their names.
    """
    from netlab.cli.trace_words import asked_name, name_server, sender, target  # noqa: PLC0415
    from netlab.engine.trace import Request  # noqa: PLC0415

    scope, family, path, name = given["namespace"] or "default", given["family"], given["path"], given["name"]
    netns = sender(lab.cluster, given["source"], scope)
    if name is None:
        found = target(
            lab, given["source"], given["to"], scope, udp=given["udp"], ipv6=None if family is None else family == "ipv6"
        )
        words = _words(found.protocol, given["size"])
    else:
        found = name_server(lab, given["source"], scope)
        words = _question(asked_name(lab, given["source"], scope, name))
    if path is not None and found.protocol != "tcp":
        raise usage("--http needs a connection", "a port of TCP: netlab trace outside node-1:30080 --http /")
    if path is not None:
        words = _http(path, found.address, found.port)
    return Request(
        netns=netns,
        protocol=found.protocol,
        address=found.address,
        port=found.port,
        words=words,
        ttl=given["ttl"] or 0,
        timeout_s=given["timeout"] or (LIVE_S if given["live"] else ANSWER_S),
        live=given["live"],
    )


def _question(name: str) -> bytes:
    """Return a query for the IPv4 addresses of a name, as a program's resolver sends it."""
    from dns.message import make_query  # noqa: PLC0415

    return make_query(name, "A").to_wire()


def _http(path: str, address: str, port: int) -> bytes:
    from netlab.netstate.links import socket_text  # noqa: PLC0415

    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise usage(f"{path!r} is no path", "for example --http /index.html")
    return (
        f"GET {path} HTTP/1.1\r\nHost: {socket_text(address, port)}\r\nUser-Agent: netlab\r\nConnection: close\r\n\r\n".encode()
    )


def _words(protocol: str, size: int | None) -> bytes:
    """What a datagram or a ping carries: bytes that nobody else sends, so that it is known everywhere."""
    if protocol == "tcp":
        return b""
    wanted = 2 * TOKEN_BYTES if size is None else size
    return os.urandom(min(wanted, TOKEN_BYTES)).ljust(wanted, b"n")
