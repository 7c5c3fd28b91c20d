"""A program in a network namespace, as `ip netns exec` runs it: with a /sys of that namespace and its /etc/netns files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

from netlab.errors import HostUnready
from netlab.kernel.findings import CURES
from netlab.kernel.netns import path
from netlab.netstate.names import NetnsName


def become_program(
    name: NetnsName, args: Sequence[str], *, stdin: bool = True, env: Mapping[str, str] | None = None
) -> NoReturn:
    """Become the program: this process ends, with signals, terminal and exit code those of the program.

    Args:
        name: of the namespace.
        args: the program and its arguments.
        stdin: keep our standard input; otherwise it is empty.
        env: added to our environment.

    Raises:
        KernelError: `name` is no name of a namespace.
        HostUnready: `ip` is missing.
    """
    path(name)
    if not stdin:
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
    try:
        os.execvpe("ip", ["ip", "netns", "exec", name, *args], {**os.environ, **(env or {})})  # noqa: S606 - what is wanted
    except FileNotFoundError:
        raise HostUnready(f"ip is missing: {CURES['ip']}") from None
