"""The DNS zone of a cluster: which names there are and what they say, as records of a master file. Pure.

    Service with ClusterIPs     web.shop.svc.cluster.local.             A      its ClusterIP, ready endpoints or not
      its named ports           _http._tcp.web.shop.svc...              SRV    the Service's name
    headless Service            db.shop.svc.cluster.local.              A      every ready endpoint; no name if there is none
      every endpoint of it      db-0.db.shop.svc.cluster.local.         A      by its hostname, else by its address: 10-244-1-5
      its named ports           _redis._tcp.db.shop.svc...              SRV    every endpoint's name
    ExternalName                wiki.shop.svc.cluster.local.            CNAME  the name elsewhere, resolvable or not
    both ways                   20.0.96.10.in-addr.arpa.                PTR    the name of a ClusterIP or of a headless endpoint

An IPv6 address has AAAA instead of A; a dual-stack Service has both, with the same names wherever a hostname is known.
Names of Pods by address (`10-244-1-5.shop.pod.cluster.local`) are computed when they are asked for, see dns/answer.py.
Source: Kubernetes DNS-Based Service Discovery 1.1.0; SOA, NS, weights and the TTL of 5 s are those of CoreDNS.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple

from netlab.desired.endpoints import by_service
from netlab.frozen import dataclass
from netlab.model.families import listed
from netlab.model.lab import Cluster, KubernetesObject, LabSpec
from netlab.model.meta import Key
from netlab.model.node import Namespace
from netlab.model.service import Endpoint, EndpointPort, EndpointSlice, Service, ServicePort
from netlab.remembered import remembered, remembered_each

SCHEMA_VERSION = "1.1.0"
TTL_S = 5
SERIAL = "SERIAL"
"""Stands for the serial until the whole content is known. Nothing else in a zone is in upper case."""
SOA_TIMES = "7200 1800 86400 5"
"""Refresh, retry, expire, and how long a negative answer may be kept, in seconds."""
DNS_SERVICE = Key("Service", "kube-system", "kube-dns")
NAME_MAX, LABEL_MAX = 254, 63
"""RFC 1035 2.3.4, with the dot at the end. What is longer (long names below a long domain) cannot be asked for: left out."""
BITS_PER_LABEL = {4: 8, 6: 4}
IPV6_HOST_LABELS = 16

Backend = tuple[Endpoint, tuple[EndpointPort, ...]]


class Record(NamedTuple):
    """One record; `name` and the names in `data` are absolute, in lower case."""

    name: str
    type: str
    data: str


class Paragraph(NamedTuple):
    """What the zone says of one Service, as text, and the reverse zones that this needs besides those of the subnets."""

    text: str = ""
    reverse: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A head with the records of the zones themselves, and a paragraph for every Service that has some. All as text.

    `str(zone)` is what `netlab.dns` reads: one record a line, as in a master file. Whoever knows an earlier text finds what is
    new paragraph by paragraph. The serial is a checksum of the content and not a count: the same content is the same text, so
    nothing is written anew. Namespaces stand in the head because an empty one has no record, and yet
    `empty.svc.cluster.local` is a name.
    """

    domain: str
    head: str
    body: str

    @property
    def serial(self) -> int:
        """A number from 1 to 2^32-1 that follows from the content."""
        return zlib.crc32(self.body.encode(), zlib.crc32(self.head.encode())) or 1

    @property
    def records(self) -> Iterator[Record]:
        """All records, in the order of the text."""
        for line in str(self).splitlines():
            if line and not line.startswith(";"):
                name, _, _, kind, data = line.split(" ", 4)
                yield Record(name, kind, data)

    def __str__(self) -> str:
        return f"{self.head.replace(SERIAL, str(self.serial))}{self.body}"


def zone(cluster: Cluster, slices: Sequence[EndpointSlice], cluster_ips: Mapping[Key, tuple[str, ...]]) -> Zone:
    """Return the zone of the cluster's domain, with the reverse zones of its Pod and Service subnets.

    Args:
        cluster: the Services, the Namespaces, the domain and the subnets.
        slices: all EndpointSlices, derived ones and hand-written ones; they say what is behind a headless Service.
        cluster_ips: the virtual IPs by Service, one per family.
    """
    spec = cluster.lab.spec
    said, has_headless = _said(cluster.services, spec, cluster_ips)
    if has_headless:
        behind = by_service(slices)
        said = tuple(one._replace(slices=behind.get(_owner(one.service))) if one.service.is_headless else one for one in said)
    body, elsewhere = _together(_paragraphs(said))
    domain = f"{spec.cluster_domain}."
    reverse = _subnet_zones(spec.pod_subnet, spec.service_subnet) | elsewhere
    return Zone(domain=domain, head=_head(cluster, domain, cluster_ips.get(DNS_SERVICE, ()), reverse), body=body)


class _Said(NamedTuple):
    """What the paragraph of one Service follows from; `slices` are those of a headless one."""

    service: Service
    spec: LabSpec
    ips: tuple[str, ...]
    slices: tuple[EndpointSlice, ...] = ()


@remembered
def _said(
    services: tuple[Service, ...], spec: LabSpec, cluster_ips: Mapping[Key, tuple[str, ...]]
) -> tuple[tuple[_Said, ...], bool]:
    """What is known of each Service without its slices, and whether one of them is headless."""
    said = tuple(_Said(service, spec, cluster_ips.get(service.key, ())) for service in services)
    return said, any(service.is_headless for service in services)


def _owner(service: Service) -> tuple[str, str]:
    return service.metadata.namespace, service.metadata.name


@remembered
def _together(paragraphs: tuple[Paragraph, ...]) -> tuple[str, frozenset[str]]:
    """The text of all paragraphs, and the reverse zones outside the lab's subnets."""
    return "".join([one.text for one in paragraphs]), frozenset().union(*(one.reverse for one in paragraphs))


def _head(cluster: Cluster, domain: str, dns_ips: Iterable[str], reverse: Iterable[str]) -> str:
    """The Namespaces, and what every zone has: its authority, its name server, and the version of the schema."""
    namespaces = {item.metadata.name for item in cluster.of_kind(Namespace)}.union(*_namespaces(zip(cluster.kinds)))
    lines = [f"; zone {domain} serial {SERIAL}\n", *(f"; namespace {name}\n" for name in sorted(namespaces)), _soa(domain)]
    if dns_ips:
        lines.append(_line(domain, "NS", f"{DNS_SERVICE.name}.{DNS_SERVICE.namespace}.svc.{domain}"))
    lines += [_address(f"ns.dns.{domain}", ip) for ip in dns_ips]
    lines.append(_line(f"dns-version.{domain}", "TXT", f'"{SCHEMA_VERSION}"'))
    return "".join([*lines, *map(_soa, sorted(reverse, key=lambda name: name.split(".")[::-1]))])


@remembered_each
def _namespaces(items: tuple[KubernetesObject, ...]) -> frozenset[str]:
    """Where these objects are."""
    return frozenset(item.metadata.namespace for item in items if item.metadata.namespace)


@remembered_each
def _paragraphs(service: Service, spec: LabSpec, ips: tuple[str, ...], slices: tuple[EndpointSlice, ...]) -> Paragraph:
    """What there is to say of one Service; the slices are those of a headless one."""
    meta, reverse = service.metadata, _subnet_zones(spec.pod_subnet, spec.service_subnet)
    name = f"{meta.name}.{meta.namespace}.svc.{spec.cluster_domain}."
    if service.spec.type == "ExternalName":
        ips, lines = (), _elsewhere(name, service.spec.external_name.lower().rstrip("."))
    elif service.is_headless:
        is_for_all = service.spec.publish_not_ready_addresses
        found = [(one, item.ports) for item in slices for one in item.endpoints if one.conditions.ready or is_for_all]
        ips, lines = tuple(endpoint.addresses[0] for endpoint, _ in found), _headless(name, found)
    else:
        lines = _virtual(service, name, ips)
    if text := "".join(lines):
        outside = frozenset(_place(ip) for ip in ips if not _is_in(_reverse(ip), reverse))
        return Paragraph(f"\n; {meta.namespace}/{meta.name}\n{text}", outside)
    return Paragraph()


def _elsewhere(name: str, target: str) -> Iterator[str]:
    """A Service of type ExternalName. A label that no DNS message can hold leads nowhere."""
    if all(0 < len(label) <= LABEL_MAX for label in target.split(".")):
        yield _line(name, "CNAME", f"{target}.")


def _virtual(service: Service, name: str, ips: tuple[str, ...]) -> Iterator[str]:
    """A Service with ClusterIPs."""
    for ip in ips:
        yield _address(name, ip)
    for port in service.spec.ports if ips else ():
        if _has_name(port):
            yield _line(_port_name(port, name), "SRV", f"0 100 {port.port} {name}")
    for ip in ips:
        yield _pointer(ip, name)


def _headless(name: str, backends: list[Backend]) -> Iterator[str]:
    """A Service without a ClusterIP: its endpoints speak for themselves."""
    own_names: dict[str, str] = {}
    ends: dict[str, set[tuple[int, str]]] = {}
    for endpoint, ports in backends:
        ip = endpoint.addresses[0]
        own_names[ip] = f"{endpoint.hostname or _dashed(ip)}.{name}"
        for port in filter(_has_name, ports):
            ends.setdefault(_port_name(port, name), set()).add((port.port, own_names[ip]))
    for ip in own_names:
        yield _address(name, ip)
    for port_name, targets in ends.items():
        weight = max(1, 100 // len(targets))
        for number, target in sorted(targets):
            yield _line(port_name, "SRV", f"0 {weight} {number} {target}")
    for ip, own_name in own_names.items():
        yield _address(own_name, ip)
        yield _pointer(ip, own_name)


def _line(name: str, kind: str, data: str) -> str:
    """A record as a line; nothing if one of its names is too long."""
    if len(name) > NAME_MAX or (len(data) > NAME_MAX and len(data.rpartition(" ")[2]) > NAME_MAX):
        return ""
    return f"{name} {TTL_S} IN {kind} {data}\n"


def _soa(name: str) -> str:
    return _line(name, "SOA", f"ns.dns.{name} hostmaster.{name} {SERIAL} {SOA_TIMES}")


def _address(name: str, ip: str) -> str:
    return _line(name, "AAAA" if ":" in ip else "A", ip)


def _pointer(ip: str, name: str) -> str:
    return _line(_reverse(ip), "PTR", name)


def _reverse(ip: str) -> str:
    """The name of an address in the tree of addresses (RFC 1035 3.5, RFC 3596 2.5)."""
    return f"{IPv6Address(ip).reverse_pointer}." if ":" in ip else f"{'.'.join(ip.split('.')[::-1])}.in-addr.arpa."


def _place(ip: str) -> str:
    """The /24 or /64 that an address lies in, as a name of that tree."""
    return _reverse(ip).split(".", IPV6_HOST_LABELS if ":" in ip else 1)[-1]


def _dashed(ip: str) -> str:
    """An address as a label; an IPv6 one is written in full, for a label cannot begin or end with a dash."""
    return IPv6Address(ip).exploded.replace(":", "-") if ":" in ip else ip.replace(".", "-")


def _has_name(port: ServicePort | EndpointPort) -> bool:
    """Tell whether a port has a name, and one that is a label also with the underscore before it."""
    return 0 < len(port.name) < LABEL_MAX


def _port_name(port: ServicePort | EndpointPort, name: str) -> str:
    return f"_{port.name}._{port.protocol.lower()}.{name}"


def _is_in(name: str, zones: frozenset[str]) -> bool:
    while name and name not in zones:
        name = name.partition(".")[2]
    return bool(name)


@functools.cache
def _subnet_zones(*subnets: str) -> frozenset[str]:
    """The reverse zones of subnets, each a text of one or two families."""
    return frozenset(name for text in subnets for subnet in listed(text) for name in reverse_zones(ip_network(subnet)))


def reverse_zones(subnet: IPv4Network | IPv6Network) -> list[str]:
    """Return the zones that cover `subnet`, cut at the next label: 10.96.0.0/15 is 96.10.in-addr.arpa. and 97.10...."""
    bits = BITS_PER_LABEL[subnet.version]
    labels = max(1, -(-subnet.prefixlen // bits))
    whole = subnet.max_prefixlen // bits
    parts = subnet.subnets(new_prefix=labels * bits) if labels * bits > subnet.prefixlen else [subnet]
    return [".".join(part.network_address.reverse_pointer.split(".")[whole - labels :]) + "." for part in parts]
