"""The IP families of a Service: how many virtual IPs it has, and which comes first. Pure.

    SingleStack ........ one: the first of ipFamilies, or the primary family of the lab
    PreferDualStack .... both, the first of ipFamilies before the other; where the lab has only one, that one
    RequireDualStack ... both, or the Service is refused

A Service that names addresses (clusterIPs) names families with them. One without a policy is SingleStack, as in a cluster; but
in a lab of both families a headless one without a selector is RequireDualStack: its endpoints are written by hand, in either.
Source: Kubernetes docs, IPv4/IPv6 dual-stack (Services); pkg/registry/core/service/storage/alloc.go (initIPFamilyFields).
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.families import IPFamily, family_of
from netlab.model.lab import LabSpec
from netlab.model.service import IPFamilyPolicy, Service, ServiceSpec


def service_families(service: Service, lab: LabSpec) -> tuple[IPFamily, ...]:
    """Return the families of the Service, the one of its primary virtual IP first; only such as the lab has."""
    wished = [family for family in wished_families(service.spec) if family in lab.families]
    order = tuple(dict.fromkeys((*wished, *lab.families)))
    return order[:1] if family_policy(service, lab) == "SingleStack" else order


def family_policy(service: Service, lab: LabSpec) -> IPFamilyPolicy:
    """Return the policy of the Service, or the one that it has where it wishes for none."""
    if service.spec.ip_family_policy:
        return service.spec.ip_family_policy
    return "RequireDualStack" if service.spec.is_written_by_hand and len(lab.families) > 1 else "SingleStack"


def wished_families(spec: ServiceSpec) -> tuple[IPFamily, ...]:
    """Return the families that the Service names: in `ipFamilies`, or by its addresses."""
    return spec.ip_families or tuple(family_of(ip) for ip in wished_cluster_ips(spec))


def wished_cluster_ips(spec: ServiceSpec) -> tuple[str, ...]:
    """Return the virtual IPs that the Service asks for, the primary one first; none for a headless one."""
    return tuple(ip for ip in spec.cluster_ips or (spec.cluster_ip,) if ip not in {"", "None"})


def family_problems(service: Service, lab: LabSpec) -> Iterator[tuple[str, str]]:
    """Yield (field path, message) for families that the lab does not have."""
    policy: str = service.spec.ip_family_policy
    families = lab.families
    if policy == "RequireDualStack" and len(families) == 1:
        yield "spec.ipFamilyPolicy", f"{policy} needs a lab of both IP families, this one has {families[0]}: `ipFamily: dual`"
        return
    named = wished_families(service.spec)
    if named and policy != "PreferDualStack":
        lacking = [family for family in named if family not in families]
    else:
        lacking = [family for family in named[:1] if family not in families]
    for family in lacking:
        yield (
            f"spec.ipFamilies[{named.index(family)}]",
            f"{family} is no family of this lab, which has {' and '.join(families)}",
        )
