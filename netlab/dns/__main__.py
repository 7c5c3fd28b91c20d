"""`python -m netlab.dns --records FILE`: the cluster DNS, as it runs inside its Pod."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from netlab.dns.answers import log
from netlab.dns.server import Address, Server
from netlab.errors import NetlabError


def main() -> NoReturn:
    """Answer until SIGTERM or SIGINT, then exit with 0 at once."""
    parser = argparse.ArgumentParser(prog="netlab.dns", description="Answer DNS queries from a file of records.")
    parser.add_argument(
        "--records",
        type=Path,
        required=True,
        metavar="FILE",
        help="the snapshot that netlab writes; what is new in it is read at once",
    )
    parser.add_argument(
        "--listen", action="append", type=_address, metavar="ADDRESS:PORT", help="UDP and TCP (default: 0.0.0.0:53 and [::]:53)"
    )
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    wanted = options.listen or [("0.0.0.0", 53), ("::", 53)]  # noqa: S104 - a Pod's name server is for all who reach it
    try:
        server = Server(options.records, wanted)
    except (OSError, NetlabError) as error:
        log(f"cannot listen on {_text(wanted)}: {error}")
        sys.exit(1)
    log(f"listening on {_text(server.addresses)}, records from {options.records}")
    server.serve_forever()
    raise AssertionError("unreachable")  # serve_forever ends by an exception only


def _address(text: str) -> Address:
    """Read `ADDRESS:PORT`, an IPv6 address in brackets or not."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _text(addresses: Iterable[Address]) -> str:
    return ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses)


if __name__ == "__main__":
    main()
