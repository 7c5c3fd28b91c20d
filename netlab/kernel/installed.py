"""Looks for programs: is each there, which version, and is another one in the way? Starts them with `--version` at most.

crun, conmon and catatonit are looked for where the container runtime finds them, all others on PATH.
Source: reference of each program's `--version`; iptables-nft(8) for the two kinds of iptables.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from netlab.frozen import dataclass
from netlab.kernel import nft
from netlab.kernel.crun import ENVIRONMENT
from netlab.kernel.findings import CURES, Finding, missing, ok, warning
from netlab.kernel.iptables import VARIANTS, program

NFT_MINIMUM: Final = (1, 0, 6)
CRUN_TRIED: Final = (1, 8, 1)
OUR_MODULE: Final = b"netlab.__main__"
SCRIPT_BYTES: Final = 4096

_LEGACY_TABLES: Final = Path("/proc/net/ip_tables_names")
_IPTABLES: Final = {"xtables-nft-multi": "that of nft", "xtables-legacy-multi": "the legacy one"}


@dataclass(frozen=True, slots=True)
class Program:
    """A program: its cure in the table, what it is for if netlab works without it, and how it says its version."""

    cure: str
    only_for: str = ""
    options: tuple[str, ...] = ("--version",)
    tried: tuple[int, ...] = ()


PROGRAMS: Final[dict[str, Program]] = {
    # crun makes the directory of its state, /run/crun, even if it is only asked for its version: law 2.
    "crun": Program("containers", options=("--root=/run", "--version"), tried=CRUN_TRIED),
    "conmon": Program("containers"),
    "catatonit": Program("containers"),
    "skopeo": Program("skopeo", only_for="images other than host"),
    "ip": Program("ip", options=("-V",)),
    "tcpdump": Program("tcpdump", only_for="seeing packets with it in a Pod or on a Node"),
    "conntrack": Program("conntrack", only_for="listing translated connections with it on a Node"),
}
_OF_CONTAINERS: Final = "containers"


def runtime_program(name: str) -> str | None:
    """Return the path of a program as the container runtime finds it."""
    return shutil.which(name, path=ENVIRONMENT["PATH"])


def present(name: str) -> Finding:
    """The program of this name is installed."""
    program = PROGRAMS[name]
    path = runtime_program(name) if program.cure == _OF_CONTAINERS else shutil.which(name)
    if path:
        return ok(name, path)
    if program.only_for:
        return warning(name, f"{name} is missing; it is only needed for {program.only_for}", CURES[program.cure])
    return missing(name, f"{name} is missing", CURES[program.cure])


def with_version(name: str) -> Finding:
    """The program of this name is installed, and which version."""
    finding = present(name)
    if finding.state != "ok":
        return finding
    return tried_version(name, version_of([finding.found, *PROGRAMS[name].options]))


def tried_version(name: str, version: tuple[int, ...]) -> Finding:
    """Decide about a program that is installed in this version, () for an unknown one."""
    program = PROGRAMS[name]
    if version and version < program.tried:
        found = f"{name} {_dotted(version)}; older than {_dotted(program.tried)} was never tried"
        return warning(name, found, CURES[program.cure])
    return ok(name, f"{name} {_dotted(version) or 'of unknown version'}")


def nft_version(name: str) -> Finding:
    """The program nft and its library, in a version that knows all that netlab writes."""
    path = shutil.which("nft")
    if not path:
        return missing(name, "nft is missing", CURES["nft"])
    nft.load_library()
    return new_enough_nft(name, version_of([path, "--version"]))


def new_enough_nft(name: str, version: tuple[int, ...]) -> Finding:
    """Decide about nft in this version, () for an unknown one."""
    if version < NFT_MINIMUM:
        found = f"nft {_dotted(NFT_MINIMUM)} or newer is needed, found {_dotted(version) or 'none'}"
        return missing(name, found, CURES["nft"])
    return ok(name, f"nft {_dotted(version)}")


def version_of(command: list[str]) -> tuple[int, ...]:
    """Return the first number with dots that the command prints, () if there is none. Raises OSError."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return parse_version(done.stdout or done.stderr)


def parse_version(answer: str) -> tuple[int, ...]:
    """Return the first number with dots in a program's answer, () if there is none."""
    found = re.search(r"\d+(?:\.\d+)+", answer)
    return tuple(map(int, found[0].split("."))) if found else ()


def iptables(name: str) -> Finding:
    """The programs for Nodes in iptables mode, of both kinds, and which of them the machine's own `iptables` is."""
    there = [variant for variant in VARIANTS if program(variant, "save")]
    if not there:
        return warning(name, "iptables is missing; it is only needed for Nodes in iptables mode", CURES["iptables"])
    path = shutil.which("iptables")
    kind = _IPTABLES.get(Path(path).resolve().name, "of an unknown kind") if path else "not there"
    try:
        legacy = _LEGACY_TABLES.read_text().split()
    except OSError:  # no such tables, or not root
        legacy = []
    words = f"iptables-{' and iptables-'.join(there)}; `iptables` itself is {kind}"
    return ok(name, f"{words}; legacy tables in use: {', '.join(legacy)}" if legacy else words)


def other_netlab(name: str) -> Finding:
    """No other program called netlab is on PATH: an unrelated tool has the same name."""
    running = Path(sys.argv[0]).resolve()
    files = [Path(directory or ".", "netlab") for directory in os.get_exec_path()]
    there = [file for file in files if os.access(file, os.X_OK) and file.is_file()]
    return namesakes(name, running, [(file, file.resolve(), OUR_MODULE in _beginning(file)) for file in there])


def namesakes(name: str, running: Path, found: Iterable[tuple[Path, Path, bool]]) -> Finding:
    """Decide about the files called netlab on PATH: (path, what it leads to, whether it is an installation of this netlab)."""
    others = {real: (path, ours) for path, real, ours in reversed(list(found)) if real != running}
    strangers = sorted(str(path) for path, ours in others.values() if not ours)
    if strangers:
        words = f"unrelated programs of the same name: {', '.join(strangers)}; this is {running}"
        return warning(name, words, CURES["other-netlab"])
    copies = sorted(str(path) for path, _ in others.values())
    return ok(name, f"this is {running}" + (f"; other installations of it: {', '.join(copies)}" if copies else ""))


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(SCRIPT_BYTES)
    except OSError:
        return b""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
