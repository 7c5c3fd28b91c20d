"""A program in a network namespace, as `ip netns exec` runs it: with a /sys of that namespace and its /etc/netns files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

from netlab.errors import HostUnready
from netlab.kernel.netns import path
from netlab.netstate.names import NetnsName


def become_program(name: NetnsName, args: Sequence[str]) -> NoReturn:
    """Become the program: this process ends, with signals, terminal and exit code those of the program.

    Raises:
        KernelError: `name` is no name of a namespace.
        HostUnready: `ip` is missing.
    """
    path(name)
    try:
        os.execvp("ip", ["ip", "netns", "exec", name, *args])  # noqa: S606 - that is what is wanted
    except FileNotFoundError:
        raise HostUnready("ip is missing: apt install iproute2") from None
