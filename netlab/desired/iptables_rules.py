"""The language of iptables rules, as `iptables-save` prints them, and the names kube-proxy gives to chains. Pure.

A rule's parts have one order: source, destination, interface, protocol, matches as they were written, target. Written so,
desired and observed compare as text.
Source: iptables-save(8), iptables-extensions(8), xtables_save_string in libxtables; kube-proxy iptables/proxier.go for names.
"""

from __future__ import annotations

import re

from netlab.desired.backends import Target
from netlab.netstate.iptables import Family

MARK, HOST_PORT_MARK = "0x4000", "0x2000"
MARK_MASQ = "KUBE-MARK-MASQ"
MASQUERADE = "MASQUERADE --random-fully"
IS_LOCAL = "-m addrtype --dst-type LOCAL"
FROM_LOCAL = "-m addrtype --src-type LOCAL"
NEW = "-m conntrack --ctstate NEW"

REJECT: dict[Family, str] = {
    "ip": "REJECT --reject-with icmp-port-unreachable",
    "ip6": "REJECT --reject-with icmp6-port-unreachable",
}
_WHOLE: dict[Family, str] = {"ip": "255.255.255.255", "ip6": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
COMMENT_MAX = 255
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_STEPS = 1 << 31


def rule(*matches: str, src: str = "", dst: str = "", dev: str = "", protocol: str = "", to: str = "") -> str:
    """Return a rule without `-A CHAIN`. Addresses, ranges and the interface may begin with `! `; an address is a host."""
    parts = [_part("-s", _range(src)), _part("-d", _range(dst)), _part("-i", dev), _part("-p", protocol), *matches]
    return " ".join(part for part in (*parts, _part("-j", to)) if part)


def comment(text: str) -> str:
    """Return the match that says something to people, in 255 characters. The program quotes what is not a plain word."""
    text = text[:COMMENT_MAX]
    return f"-m comment --comment {text}" if _PLAIN.fullmatch(text) else f'-m comment --comment "{text}"'


def dport(protocol: str, port: int) -> str:
    """Return the match of a port."""
    return f"-m {protocol} --dport {port}"


def draw(count: int) -> str:
    """Return the match that one of `count` packets meets.

    kube-proxy writes the probability with ten decimals; the kernel keeps it as a number of 31 bits, and that is printed.
    """
    probability = int(float(f"{1 / count:.10f}") * _STEPS + 0.5)
    return f"-m statistic --mode random --probability {probability / _STEPS:.11f}"


def remember(chain: str, family: Family) -> str:
    """Return the match that always holds, and writes the client down as one of the endpoint behind `chain`."""
    return f"-m recent --set --name {chain} --mask {_WHOLE[family]} --rsource"


def remembered(chain: str, seconds: int, family: Family) -> str:
    """Return the match of clients that were written down at most `seconds` ago; older ones are forgotten."""
    return f"-m recent --rcheck --seconds {seconds} --reap --name {chain} --mask {_WHOLE[family]} --rsource"


def dnat(target: Target) -> str:
    """Return the target that translates to an endpoint."""
    return f"DNAT --to-destination {endpoint(target)}"


def endpoint(target: Target) -> str:
    """Return an endpoint as Go joins host and port: `10.244.1.2:8080`, `[fd00::2]:8080`."""
    return f"[{target.ip}]:{target.port}" if ":" in target.ip else f"{target.ip}:{target.port}"


def chain_name(kind: str, owner: str, protocol: str, endpoint: str = "") -> str:
    """Return kube-proxy's name of a chain: `KUBE-SVC-` and 16 characters that stand for the Service port, and an endpoint."""
    import base64  # noqa: PLC0415 - most Nodes have no such rules
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha256(f"{owner}{protocol}{endpoint}".encode()).digest()
    return f"KUBE-{kind}-{base64.b32encode(digest)[:16].decode()}"


def _part(option: str, value: str) -> str:
    negation = "! " if value.startswith("! ") else ""
    return f"{negation}{option} {value.removeprefix('! ')}" if value else ""


def _range(address: str) -> str:
    if address in {"0.0.0.0/0", "::/0"}:
        return ""  # every address is none in particular
    if not address or "/" in address:
        return address
    return f"{address}/128" if ":" in address else f"{address}/32"
