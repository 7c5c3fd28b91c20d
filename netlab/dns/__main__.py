"""`python -m netlab.dns --records FILE --listen 0.0.0.0:53`: the cluster DNS, as it runs inside its Pod."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from netlab.dns.server import Server, log


def main() -> NoReturn:
    """Answer until SIGTERM or SIGINT, then exit with 0 at once."""
    parser = argparse.ArgumentParser(prog="netlab.dns", description="Answer DNS queries from a file of records.")
    parser.add_argument(
        "--records", type=Path, required=True, metavar="FILE", help="the snapshot that netlab writes; read anew on change"
    )
    parser.add_argument("--listen", default="0.0.0.0:53", metavar="ADDRESS:PORT", help="UDP and TCP (default: %(default)s)")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        server = Server(options.records, host, int(port))
    except (OSError, ValueError) as error:
        log(f"cannot listen on {options.listen}: {error}")
        sys.exit(1)
    log(f"listening on {options.listen}, records from {options.records}")
    server.serve_forever()
    raise AssertionError("unreachable")  # serve_forever ends by an exception only


if __name__ == "__main__":
    main()
