"""Looks at the machine's own firewall, for labs that the machine itself takes part in. Nothing is changed or loaded.

Namespaces have rules of their own, so a lab without an uplink never meets these. Docker sets the policy of FORWARD to DROP;
firewalld drops what comes from an address or interface in no zone. An `accept` holds for one base chain only: each chain that
drops by policy needs its own. Source: nft(8), iptables(8), Docker's "Packet filtering and firewalls", firewalld.zone(5).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from netlab.kernel import nft
from netlab.kernel.findings import CURES, Finding, is_root, not_looked_at, ok, warning

_LEGACY_TABLES: Final = Path("/proc/net/ip_tables_names")
_TABLE = re.compile(r"table (?P<name>(?:ip|inet) \S+) \{")
_OTHER_TABLE = re.compile(r"table ")
_CHAIN = re.compile(r"\s+chain (?P<name>\S+) \{")
_DROPS = re.compile(r"\s+type filter hook forward .*policy drop;")


def forward_policy(name: str, subnet: str) -> Finding:
    """No base chain drops what is forwarded to and from the lab's `subnet`."""
    if not is_root():
        return not_looked_at(name)
    try:
        chains = dropping_chains(nft.run("list chains"))
        closed = [chain for chain in chains if not lets_through(nft.run(f"list chain {chain}").splitlines(), subnet)]
    except nft.NftError as error:
        return warning(name, f"could not be looked at ({str(error).splitlines()[0]})", CURES["nft"])
    rules = _legacy_rules()
    return dropping(name, closed, subnet, is_legacy="-P FORWARD DROP" in rules and not lets_through(rules, subnet))


def dropping_chains(listing: str) -> list[str]:
    """Return the base chains, as `family table chain`, that drop by policy what is forwarded, from `nft list chains`."""
    found, table, chain = [], "", ""
    for line in listing.splitlines():
        if match := _TABLE.match(line):
            table = match["name"]
        elif _OTHER_TABLE.match(line):  # of bridges, of IPv6: the lab's packets do not come there
            table = ""
        elif match := _CHAIN.match(line):
            chain = match["name"]
        elif table and _DROPS.match(line):
            found.append(f"{table} {chain}")
    return found


def lets_through(rules: Sequence[str], subnet: str) -> bool:
    """Tell whether among the rules, nft's or iptables', there are accepting ones from and to `subnet`."""
    accepting = [rule for rule in rules if re.search(r"\b(accept|ACCEPT)$", rule)]
    ways = ((f"ip saddr {subnet} ", f"-s {subnet} "), (f"ip daddr {subnet} ", f"-d {subnet} "))
    return all(any(word in rule for rule in accepting for word in way) for way in ways)


def dropping(name: str, chains: Iterable[str], subnet: str, *, is_legacy: bool) -> Finding:
    """Decide about the base chains of nft that drop what is forwarded, and about FORWARD of the legacy iptables."""
    cures = {f"nft chain {chain}": CURES["forward"].format(chain=chain, subnet=subnet) for chain in chains}
    if is_legacy:
        cures["iptables-legacy FORWARD"] = CURES["forward-legacy"].format(subnet=subnet)
    if cures:
        return warning(
            name, f"what is forwarded is dropped by the policy of {' and '.join(cures)}", " && ".join(cures.values())
        )
    return ok(name, "forwarded packets are not dropped by policy")


def firewalld(name: str, subnet: str) -> Finding:
    """No firewalld is at work, or it knows the lab's `subnet`. Its table is there as long as it runs."""
    if not is_root():
        return not_looked_at(name)
    try:
        tables = [line.removeprefix("table ") for line in nft.run("list tables").splitlines() if line.endswith(" firewalld")]
        rules = "".join(nft.run(f"list table {table}") for table in tables)
    except nft.NftError as error:
        return warning(name, f"could not be looked at ({str(error).splitlines()[0]})", CURES["nft"])
    return zoned(name, rules, subnet, is_active=bool(tables) or Path("/run/firewalld.pid").exists())


def zoned(name: str, rules: str, subnet: str, *, is_active: bool) -> Finding:
    """Decide about firewalld by its rules; there may be none to see, with iptables behind it."""
    if not is_active:
        return ok(name, "not active")
    if f"ip saddr {subnet} " in rules:
        return ok(name, f"active, and {subnet} is in a zone")
    return warning(name, "active, and drops what comes from no zone", CURES["firewalld"].format(subnet=subnet))


def _legacy_rules() -> list[str]:
    """Only asked for when the table is loaded anyway: the question itself would load it."""
    program = shutil.which("iptables-legacy")
    try:
        if not program or "filter" not in _LEGACY_TABLES.read_text().split():
            return []
    except OSError:
        return []
    words = [program, "-S", "FORWARD"]
    return subprocess.run(words, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.splitlines()
