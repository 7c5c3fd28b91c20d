"""The DNS zone of a cluster: which names there are and what they say, as records of a master file. Pure.

    Service with a ClusterIP    web.shop.svc.cluster.local.             A      its ClusterIP, ready endpoints or not
      its named ports           _http._tcp.web.shop.svc...              SRV    the Service's name
    headless Service            db.shop.svc.cluster.local.              A      every ready endpoint; no name if there is none
      every endpoint of it      db-0.db.shop.svc.cluster.local.         A      by its hostname, else by its address: 10-244-1-5
      its named ports           _redis._tcp.db.shop.svc...              SRV    every endpoint's name
    ExternalName                wiki.shop.svc.cluster.local.            CNAME  the name elsewhere, resolvable or not
    both ways                   20.0.96.10.in-addr.arpa.                PTR    the name of a ClusterIP or of a headless endpoint

Names of Pods by address (`10-244-1-5.shop.pod.cluster.local`) are computed when they are asked for, see dns/answer.py.
Source: Kubernetes DNS-Based Service Discovery 1.1.0; SOA, NS, weights and the TTL of 5 s are those of CoreDNS.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from netlab.frozen import dataclass
from netlab.model.families import listed
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.node import Namespace
from netlab.model.service import Endpoint, EndpointPort, EndpointSlice, Service

SCHEMA_VERSION = "1.1.0"
TTL_S = 5
SOA_TIMES = "7200 1800 86400 5"
"""Refresh, retry, expire, and how long a negative answer may be kept, in seconds."""
DNS_SERVICE = Key("Service", "kube-system", "kube-dns")
NAME_MAX = 254
"""RFC 1035 2.3.4, with the dot at the end. A longer name (long names below a long domain) cannot be asked for: left out."""
BITS_PER_LABEL = {4: 8, 6: 4}

Backend = tuple[Endpoint, tuple[EndpointPort, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record; `name` and the names in `data` are absolute, in lower case."""

    name: str
    type: str
    data: str

    def __str__(self) -> str:
        return f"{self.name} {TTL_S} IN {self.type} {self.data}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """All records, in the order of the name tree.

    `str(zone)` is the snapshot that `netlab.dns` reads: one record a line, as in a master file.
    The serial is a checksum of the content and not a count: the same content is the same text, so nothing is written anew.
    Namespaces stand in the head because an empty one has no record, and yet `empty.svc.cluster.local` is a name.
    """

    domain: str
    namespaces: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def serial(self) -> int:
        """A number from 1 to 2^32-1 that follows from the content."""
        return zlib.crc32("\n".join((self.domain, *self.namespaces, *map(str, self.records))).encode()) or 1

    def __str__(self) -> str:
        serial = self.serial
        head = [f"; zone {self.domain} serial {serial}", *(f"; namespace {name}" for name in self.namespaces)]
        return "\n".join([*head, *(str(record).replace(" SERIAL ", f" {serial} ") for record in self.records)]) + "\n"


def zone(cluster: Cluster, slices: Iterable[EndpointSlice], cluster_ips: Mapping[Key, tuple[str, ...]]) -> Zone:
    """Return the zone of the cluster's domain, with the reverse zones of its Pod and Service subnets.

    Args:
        cluster: the Services, the Namespaces, the domain and the subnets.
        slices: all EndpointSlices, derived ones and hand-written ones; they say what is behind a headless Service.
        cluster_ips: the virtual IPs by Service, one per family.
    """
    domain = f"{cluster.lab.spec.cluster_domain}."
    backends = _backends(slices)
    found = set(_fixed(domain, cluster_ips))
    for service in cluster.services:
        found |= _service_records(service, domain, cluster_ips, backends.get(service.key, []))
    found |= _reverse_zones(cluster, found)
    found = {record for record in found if len(record.name) <= NAME_MAX}
    namespaces = {item.metadata.name for item in cluster.of_kind(Namespace)}
    namespaces |= {key.namespace for key in cluster.objects if key.namespace}
    return Zone(domain=domain, namespaces=tuple(sorted(namespaces)), records=tuple(sorted(found, key=_place)))


def _place(record: Record) -> tuple[bool, list[str], str, str]:
    """Sorting by this puts every name below the one it is part of, and the way back (arpa) last."""
    labels = record.name.split(".")[::-1]
    return labels[1] == "arpa", labels, record.type, record.data


def _backends(slices: Iterable[EndpointSlice]) -> dict[Key, list[Backend]]:
    """Endpoints with their ports, by the Service their slice is labelled with."""
    found: dict[Key, list[Backend]] = {}
    for item in slices:
        if item.service_name:
            key = Key("Service", item.metadata.namespace, item.service_name)
            found.setdefault(key, []).extend((endpoint, item.ports) for endpoint in item.endpoints)
    return found


def _fixed(domain: str, cluster_ips: Mapping[Key, tuple[str, ...]]) -> Iterator[Record]:
    """What every zone has: its authority, its name server (the Service kube-dns), and the version of the schema."""
    yield _soa(domain)
    yield Record(name=f"dns-version.{domain}", type="TXT", data=f'"{SCHEMA_VERSION}"')
    ips = cluster_ips.get(DNS_SERVICE, ())
    if ips:
        yield Record(name=domain, type="NS", data=f"{DNS_SERVICE.name}.{DNS_SERVICE.namespace}.svc.{domain}")
    for ip in ips:
        yield _address(f"ns.dns.{domain}", ip)


def _soa(name: str) -> Record:
    """The authority of a zone; the word SERIAL is replaced when the whole content is known."""
    return Record(name=name, type="SOA", data=f"ns.dns.{name} hostmaster.{name} SERIAL {SOA_TIMES}")


def _service_records(
    service: Service, domain: str, cluster_ips: Mapping[Key, tuple[str, ...]], backends: Iterable[Backend]
) -> set[Record]:
    name = f"{service.metadata.name}.{service.metadata.namespace}.svc.{domain}"
    if service.spec.type == "ExternalName":
        target = f"{service.spec.external_name.lower().rstrip('.')}."
        return {Record(name=name, type="CNAME", data=target)}
    if service.is_headless:
        ready = [item for item in backends if item[0].conditions.ready or service.spec.publish_not_ready_addresses]
        return set(_headless(name, ready))
    return set(_virtual(service, name, cluster_ips.get(service.key, ())))


def _virtual(service: Service, name: str, ips: tuple[str, ...]) -> Iterator[Record]:
    """A Service with ClusterIPs."""
    for ip in ips:
        yield _address(name, ip)
        yield _pointer(ip, name)
    for port in service.spec.ports if ips else ():
        if port.name:
            yield Record(name=_port_name(port.name, port.protocol, name), type="SRV", data=f"0 100 {port.port} {name}")


def _headless(name: str, backends: Iterable[Backend]) -> Iterator[Record]:
    """A Service without a ClusterIP: its endpoints speak for themselves."""
    targets: dict[str, set[tuple[int, str]]] = {}
    for endpoint, ports in backends:
        ip = endpoint.addresses[0]
        own_name = f"{endpoint.hostname or _dashed(ip)}.{name}"
        yield _address(name, ip)
        yield _address(own_name, ip)
        yield _pointer(ip, own_name)
        for port in ports:
            if port.name:
                targets.setdefault(_port_name(port.name, port.protocol, name), set()).add((port.port, own_name))
    for port_name, places in targets.items():
        weight = max(1, 100 // len(places))
        for number, target in places:
            yield Record(name=port_name, type="SRV", data=f"0 {weight} {number} {target}")


def _address(name: str, ip: str) -> Record:
    return Record(name=name, type="AAAA" if ":" in ip else "A", data=ip)


def _pointer(ip: str, name: str) -> Record:
    return Record(name=f"{ip_address(ip).reverse_pointer}.", type="PTR", data=name)


def _dashed(ip: str) -> str:
    """An address as a label; an IPv6 one is written in full, for a label cannot begin or end with a dash."""
    return ip_address(ip).exploded.replace(":", "-").replace(".", "-")


def _port_name(port: str, protocol: str, name: str) -> str:
    return f"_{port}._{protocol.lower()}.{name}"


def _reverse_zones(cluster: Cluster, records: Iterable[Record]) -> set[Record]:
    """The authority of the reverse zones: those of both subnets, and the /24 of any other address that has a PTR."""
    spec = cluster.lab.spec
    names = {
        name for subnet in listed(f"{spec.pod_subnet},{spec.service_subnet}") for name in reverse_zones(ip_network(subnet))
    }
    for record in records:
        if record.type == "PTR" and not any(record.name.endswith(f".{name}") for name in names):
            names.add(record.name.partition(".")[2])
    return {_soa(name) for name in names}


def reverse_zones(subnet: IPv4Network | IPv6Network) -> list[str]:
    """Return the zones that cover `subnet`, cut at the next label: 10.96.0.0/15 is 96.10.in-addr.arpa. and 97.10...."""
    bits = BITS_PER_LABEL[subnet.version]
    labels = max(1, -(-subnet.prefixlen // bits))
    whole = subnet.max_prefixlen // bits
    parts = subnet.subnets(new_prefix=labels * bits) if labels * bits > subnet.prefixlen else [subnet]
    return [".".join(part.network_address.reverse_pointer.split(".")[whole - labels :]) + "." for part in parts]
