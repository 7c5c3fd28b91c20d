"""`netlab trace`: one real request, every hop, every rewrite, the rule that did it and the line of YAML behind that rule.

A request is sent as a program in the Pod would send it: a connection that is made and ended, a datagram, or a ping. Nothing is
simulated; instruments on the way see it, and are gone afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netlab.cli.options import complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.output import Output, OutputType
from netlab.cli.saying import say
from netlab.cli.words import usage
from netlab.engine.view import read_lab, read_wish
from netlab.errors import NetlabError

if TYPE_CHECKING:
    from netlab.engine.trace import Trace
    from netlab.engine.xray import Whys
    from netlab.packets.names import Names
    from netlab.packets.telling import Line
    from netlab.packets.verdict import Verdict

TOKEN_BYTES = 16
MOST_BYTES = 65_000


@click.command(
    "trace",
    epilog=example(
        "netlab trace deploy/frontend svc/redis-master",
        "netlab trace outside node-1:30080 --http /",
        "netlab trace svc/frontend deploy/redis-master -o wide",
        "netlab trace deploy/frontend svc/redis-master --pcapng trace.pcapng",
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
@click.option("--pcapng", "file", metavar="FILE", help="Write what was seen, with a comment at each packet, for Wireshark.")
@click.option("-o", "--output", type=OutputType(forms=("json", "wide")), help="Everything, as JSON or as text.")
@namespace_option
@lab_option
@click.argument("source", metavar="FROM", shell_complete=complete_targets)
@click.argument("to", metavar="TO[:PORT]", shell_complete=complete_targets)
@click.pass_context
def command(
    ctx: click.Context, *, udp: bool, path: str | None, count: int, size: int | None, ttl: int | None, family: str | None,
    timeout: float, file: str | None, output: Output | None, namespace: str | None, lab: str, source: str, to: str,
) -> None:  # fmt: skip
    """Send a request and show its whole way, there and back.

    FROM is a Pod, TYPE/NAME, a Node or `outside`; TO is one of them, a Service or an address, with a port by number or name.
    Without a port it is a ping. The exit code is 0 if there was an answer, else 1.
    """
    from netlab.cli.trace_words import sender, target  # noqa: PLC0415 - for who traces, and not for `--help`
    from netlab.engine.trace import Request, take  # noqa: PLC0415
    from netlab.engine.xray import Whys, observe  # noqa: PLC0415
    from netlab.packets.names import names_of  # noqa: PLC0415

    paths = live_lab(lab)
    cluster, net = read_lab(paths), observe(paths)
    scope = namespace or "default"
    found = target(cluster, net, to, scope, udp=udp, ipv6=None if family is None else family == "ipv6")
    if path is not None and found.protocol != "tcp":
        raise usage("--http needs a connection", "a port of TCP: netlab trace outside node-1:30080 --http /")
    request = Request(
        netns=sender(cluster, source, scope),
        protocol=found.protocol,
        address=found.address,
        port=found.port,
        words=_http(path, found.address, found.port) if path is not None else _words(found.protocol, size),
        ttl=ttl or 0,
        timeout_s=timeout,
    )
    shown = _Shown(names_of(*read_wish(paths)), Whys(paths, cluster), output.form if output else "")
    all_answered = True
    for number in range(count):
        trace = take(net, request, os.getpid())
        found_verdict = shown.show(trace, number, count)
        all_answered = all_answered and found_verdict.ending == "answered"
        if file:
            shown.write(trace, file if count == 1 else _numbered(file, number))
    ctx.exit(0 if all_answered else 1)


class _Shown:
    """How traces are shown, and written."""

    def __init__(self, names: Names, whys: Whys, form: str) -> None:
        self.names, self.whys, self.form = names, whys, form

    def show(self, trace: Trace, number: int, count: int) -> Verdict:
        from netlab.packets.telling import Telling, Told  # noqa: PLC0415
        from netlab.packets.trace_json import as_data  # noqa: PLC0415
        from netlab.packets.verdict import Case, verdict  # noqa: PLC0415
        from netlab.packets.verdict import Told as Heard  # noqa: PLC0415

        blind = trace.unproved | set(trace.lost)
        heard = Heard(answered=trace.outcome.state == "answered", trouble=trace.outcome.trouble, took_s=trace.outcome.took_s)
        found = verdict(
            Case(
                passages=trace.passages, told=heard, netns=trace.request.netns, sent=trace.sent, walks=trace.walks,
                names=self.names, unproved=blind,
            )
        )  # fmt: skip
        if self.form == "json":
            data = as_data(
                trace.sent, trace.passages, found, started_ns=trace.started_ns, took_s=trace.outcome.took_s,
                names=self.names, why=self.whys, unproved=trace.unproved, lost=trace.lost,
            )  # fmt: skip
            click.echo(_json(data), nl=False)
            return found
        if count > 1:
            click.echo(f"{'' if number == 0 else chr(10)}request {number + 1} of {count}")
        told = Told(passages=trace.passages, started_ns=trace.started_ns, verdict=found)
        for line in Telling(self.names, self.whys, wide=self.form == "wide").lines(told):
            click.echo(_styled(line))
        for name in sorted(trace.lost):
            click.echo(f"warning: {name} lost packets: there may be more than is shown", err=True)
        return found

    def write(self, trace: Trace, file: str) -> None:
        """Write a capture file; a file that cannot be written is said, and what was shown stays."""
        from netlab.packets.trace_file import trace_file  # noqa: PLC0415

        data = trace_file(trace.packets, trace.passages, self.names, "netlab")
        try:
            Path(file).write_bytes(data)
        except OSError as error:
            raise NetlabError(f"{file}: {(error.strerror or str(error)).lower()}") from error
        say(f"{len(trace.packets)} packets written to {file}")


def _styled(line: Line) -> str:
    from netlab.packets.telling import STYLES  # noqa: PLC0415

    return "".join(_with_style(span.text, STYLES[span.style]) for span in line).rstrip()


def _with_style(text: str, style: str) -> str:
    match style:
        case "":
            return text
        case "bold":
            return click.style(text, bold=True)
        case "dim":
            return click.style(text, dim=True)
        case colour:
            return click.style(text, fg=colour)


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


def _numbered(file: str, number: int) -> str:
    """`trace.pcapng` becomes `trace-2.pcapng` for the second one."""
    path = Path(file)
    return str(path.with_name(f"{path.stem}-{number + 1}{path.suffix}"))


def _json(data: dict[str, Any]) -> str:
    import json  # noqa: PLC0415

    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
