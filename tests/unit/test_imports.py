"""Law 9: what a command imports. Ordinary commands know nothing of scapy, read-only ones nothing of pyroute2 or of nft."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netlab.cli.main import ALL_VERBS

READ_ONLY = ("get", "describe", "events")


def imported(verb: str) -> set[str]:
    program = f"import sys, netlab.cli.main, netlab.cli.{verb.replace('-', '_')}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_no_command_imports_scapy(verb):
    assert not {name.partition(".")[0] for name in imported(verb)} & {"scapy", "asyncio", "rich"}


@pytest.mark.parametrize("verb", READ_ONLY)
def test_read_only_commands_cannot_change_linux(verb):
    assert not imported(verb) & {"pyroute2", "netlab.kernel.linux", "netlab.kernel.netlink", "netlab.kernel.nft", "yaml"}
