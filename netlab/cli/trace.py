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
from netlab.cli.words import usage
from netlab.engine.view import read_lab, read_wish

if TYPE_CHECKING:
    from netlab.engine.trace import Request
    from netlab.model.lab import Cluster
    from netlab.netstate.state import NetState

TOKEN_BYTES = 16
MOST_BYTES = 65_000


@click.command(
    "trace",
    epilog=example(
        "netlab trace deploy/frontend svc/redis-master",
        "netlab trace outside node-1:30080 --http /",
        "netlab trace svc/frontend deploy/redis-master -o wide",
        "netlab trace deploy/frontend svc/redis-master --html trace.html --pcapng trace.pcapng",
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
@click.option("-4", "family", flag_value="ipv4", help="By IPv4.")
@click.option("-6", "family", flag_value="ipv6", help="By IPv6.")
@click.option(
    "--timeout", type=click.FloatRange(0.01, 600), default=2.0, metavar="SECONDS", help="How long an answer is waited for."
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
@click.argument("source", metavar="FROM", shell_complete=complete_targets)
@click.argument("to", metavar="TO[:PORT]", shell_complete=complete_targets)
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Send a request and show its whole way, there and back.

    FROM is a Pod, TYPE/NAME, a Node or `outside`; TO is one of them, a Service or an address, with a port by number or name.
    Without a port it is a ping. The exit code is 0 if there was an answer, else 1.
    """
    from netlab.cli.trace_shown import Files, Shown  # noqa: PLC0415 - for who traces, and not for `--help`
    from netlab.engine.trace import take  # noqa: PLC0415
    from netlab.engine.xray import Whys, observe  # noqa: PLC0415
    from netlab.packets.names import names_of  # noqa: PLC0415

    paths = live_lab(given["lab"])
    cluster, net = read_lab(paths), observe(paths)
    request = _request(cluster, net, given)
    files = Files(paths=paths, pcapng=given["file"], html=given["page"], svg=given["picture"])
    output: Output | None = given["output"]
    shown = Shown(names_of(*read_wish(paths)), Whys(paths, cluster), output.form if output else "")
    endings = []
    for number in range(given["count"]):
        trace = take(net, request, os.getpid())
        verdict = shown.judge(trace)
        shown.show(trace, verdict, number, given["count"])
        files.write(shown, trace, verdict, number if given["count"] > 1 else None)
        endings.append(verdict.ending)
    ctx.exit(0 if set(endings) == {"answered"} else 1)


def _request(cluster: Cluster, net: NetState, given: Mapping[str, Any]) -> Request:
    """Return what is asked for. Raises NotFound, NetlabError."""
    from netlab.cli.trace_words import sender, target  # noqa: PLC0415
    from netlab.engine.trace import Request  # noqa: PLC0415

    scope, family, path = given["namespace"] or "default", given["family"], given["path"]
    found = target(cluster, net, given["to"], scope, udp=given["udp"], ipv6=None if family is None else family == "ipv6")
    if path is not None and found.protocol != "tcp":
        raise usage("--http needs a connection", "a port of TCP: netlab trace outside node-1:30080 --http /")
    return Request(
        netns=sender(cluster, given["source"], scope),
        protocol=found.protocol,
        address=found.address,
        port=found.port,
        words=_http(path, found.address, found.port) if path is not None else _words(found.protocol, given["size"]),
        ttl=given["ttl"] or 0,
        timeout_s=given["timeout"],
    )


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
