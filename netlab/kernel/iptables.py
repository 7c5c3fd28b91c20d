"""iptables by its own programs: read the rules of a namespace, change them. Source: iptables-save(8), iptables-restore(8).

There is no library to call (libiptc is private to its package), so a program is started in the thread's namespace: a child
process is born in the namespace of the thread that starts it. Which of the two kinds is meant is in the program's name. Most
namespaces have no such rules, and there nothing is started: the kernel tells which tables exist.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from netlab.errors import HostUnready
from netlab.kernel.findings import CURES
from netlab.kernel.iptables_listing import Listed, parse_save
from netlab.netstate.iptables import PROGRAMS, TABLES, Family, Variant

VARIANTS: Final[tuple[Variant, ...]] = ("nft", "legacy")
# xtables' tables of the namespace of the thread that reads. A kernel without them has no such file.
_LEGACY_TABLES: Final[dict[Family, Path]] = {
    "ip": Path("/proc/thread-self/net/ip_tables_names"),
    "ip6": Path("/proc/thread-self/net/ip6_tables_names"),
}
# The legacy program locks all writers of a machine out by one file, /run/xtables.lock, which it leaves behind. What is to be
# guarded is the namespace, which has a file of its own: nobody else waits for us, and nothing is left.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "XTABLES_LOCKFILE": "/proc/self/ns/net"}


class IptablesError(Exception):
    """What iptables said about its input, as text for the user."""


def families_of_nft(nft_tables: Collection[tuple[str, str]]) -> tuple[Family, ...]:
    """Return for which families iptables-nft has tables, given the (family, name) of all tables of nf_tables there are."""
    return tuple(family for family in PROGRAMS if any((family, name) in nft_tables for name in TABLES))


def families_of_legacy() -> tuple[Family, ...]:
    """Return for which families iptables-legacy has tables in the thread's namespace. Raises OSError."""
    return tuple(family for family, path in _LEGACY_TABLES.items() if not set(_words(path)).isdisjoint(TABLES))


def listed(variant: Variant, family: Family) -> Listed:
    """Return what one program shows in the thread's namespace. Raises IptablesError, HostUnready."""
    words = [f"{PROGRAMS[family]}-{variant}-save"]
    done = _run(words)
    if done.returncode:
        raise IptablesError(complaint(done.stderr, "") or f"{words[0]} failed with code {done.returncode}")
    return parse_save(done.stdout, variant, family)


def restore(words: Sequence[str], script: str) -> None:
    """Give `script` to a program called as `words`. Raises IptablesError with its complaint and the line, HostUnready."""
    done = _run(words, script)
    if done.returncode:
        raise IptablesError(complaint(done.stderr, script) or f"{words[0]} failed with code {done.returncode}")


def program(variant: Variant, verb: str, family: Family = "ip") -> str | None:
    """Return the path of a program, `iptables-nft-save`; None if it is not installed."""
    return shutil.which(f"{PROGRAMS[family]}-{variant}-{verb}", path=_ENVIRONMENT["PATH"])


def complaint(stderr: str, script: str) -> str:
    """Return the first thing a program complained about, with the line of the input that it meant."""
    said = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith(("#", "Try "))]
    text = " ".join(said[:2])
    lines = script.splitlines()
    numbers = [int(word.strip(":")) for word, before in _pairs(text) if before == "line" and word.strip(":").isdigit()]
    meant = [lines[number - 1] for number in numbers[:1] if 0 < number <= len(lines)]
    return f"{text}: {meant[0][:200]}" if meant else text


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    words = text.replace("line:", "line").split()
    yield from zip(words[1:], words, strict=False)


def _run(words: Sequence[str], script: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words, input=script, capture_output=True, text=True, check=False, env=_ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is ours to hear: what was begun is finished
        )  # fmt: skip
    except FileNotFoundError:
        raise HostUnready(f"{words[0]} is missing: {CURES['iptables']}") from None


def _words(path: Path) -> list[str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        return os.read(descriptor, 4096).decode().split()
    finally:
        os.close(descriptor)
