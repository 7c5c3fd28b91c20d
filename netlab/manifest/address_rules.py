"""What the addresses of a Service demand of each other, and which addresses nobody can be reached at.

Whether the lab has a family, and whether an address is free, is decided where addresses are assigned.
Source: Kubernetes pkg/apis/core/validation (ValidateService, ValidateNonSpecialIP), KEP-563 (dual stack).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from netlab.model.addresses import ip
from netlab.model.codec import FieldProblem
from netlab.model.service import ServiceSpec
from netlab.model.words import shown

MAX_FAMILIES = 2
_SPECIAL = (
    ("is_unspecified", "may not be unspecified (0.0.0.0 or ::)"),
    ("is_loopback", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("is_link_local", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("is_multicast", "may not be in the multicast range (224.0.0.0/4, ff00::/8)"),
)
# The first octets of these addresses: of any other one it is known at once that it is none of them.
_SPECIAL_OCTETS = frozenset({"0", "127", "169", *map(str, range(224, 240))})


def special(address: str) -> str:
    """Return why an address is nobody's to send to from elsewhere, "" if it may be."""
    if ":" not in address and address.partition(".")[0] not in _SPECIAL_OCTETS:
        return ""
    found = ipaddress.ip_address(address)
    return next((message for name, message in _SPECIAL if getattr(found, name)), "")


def family_problems(spec: ServiceSpec) -> Iterator[FieldProblem]:
    """Yield the faults of a Service's addresses and address families."""
    if len(set(spec.ip_families)) < len(spec.ip_families):
        yield f"spec.ipFamilies[{len(spec.ip_families) - 1}]", f"{shown(spec.ip_families[-1])} is already there", "name it once"
    if len(spec.cluster_ips) > MAX_FAMILIES:
        yield "spec.clusterIPs", f"may only hold up to {MAX_FAMILIES} values, has {len(spec.cluster_ips)}", ""
    policy = spec.ip_family_policy or ("RequireDualStack" if spec.is_written_by_hand else "SingleStack")
    if policy == "SingleStack" and max(len(spec.ip_families), len(spec.cluster_ips)) > 1:
        yield "spec.ipFamilyPolicy", "must be RequireDualStack or PreferDualStack for two families", ""
    if spec.cluster_ips and spec.cluster_ip and spec.cluster_ip != spec.cluster_ips[0]:
        yield "spec.clusterIPs[0]", f"first value must match `clusterIP`, {shown(spec.cluster_ip)}", "leave clusterIPs out"
    if spec.cluster_ips and not spec.cluster_ip:
        yield "spec.clusterIPs", "must be empty when `clusterIP` is not specified", "leave it out, or name clusterIP too"
    written = [(f"spec.clusterIPs[{n}]", text) for n, text in enumerate(spec.cluster_ips)]
    addresses = written or [("spec.clusterIP", spec.cluster_ip)]
    yield from _addresses(spec, [(field, text) for field, text in addresses if text not in {"", "None"} and not ip(text)])


def _addresses(spec: ServiceSpec, found: list[tuple[str, str]]) -> Iterator[FieldProblem]:
    families = ["IPv6" if ":" in text else "IPv4" for _, text in found]
    for n, (field, text) in enumerate(found):
        wished = spec.ip_families[n] if n < len(spec.ip_families) else families[n]
        if wished != families[n]:
            yield field, f"expected an {wished} value as indicated by `ipFamilies[{n}]`, is {shown(text)}", ""
        elif families.index(families[n]) < n:
            yield field, f"is the second address of {families[n]}", "one of each family"
