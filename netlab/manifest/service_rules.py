"""What the fields of a Service and of an EndpointSlice demand of each other. Each fault is (field path, message, hint).

The range of nodePorts is the lab's and is checked where they are assigned.
Source: Kubernetes pkg/apis/core/validation (ValidateService), pkg/apis/discovery/validation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from netlab.manifest.rules import repeated
from netlab.model.codec import FieldProblem
from netlab.model.formats import ip, ipv4
from netlab.model.service import Endpoint, EndpointSlice, Service, ServiceSpec
from netlab.model.words import shown

MAX_ADDRESSES = 100
MAX_ENDPOINTS = 1000
IPV6_LATER = "IPv6 is not supported by netlab yet"
EXTERNAL = "ExternalName"


def service_problems(service: Service) -> Iterator[FieldProblem]:
    """Yield the faults of a Service."""
    spec = service.spec
    if spec.type == EXTERNAL:
        yield from _external_name_problems(spec)
    elif spec.external_name:
        yield "spec.externalName", f"may only be set when type is ExternalName, is {shown(spec.type)}", ""
    if not spec.ports and not service.is_headless and spec.type != EXTERNAL:
        yield "spec.ports", "required", "only headless and ExternalName Services have none"
    if spec.type == "NodePort" and service.is_headless:
        yield "spec.clusterIP", "may not be set to 'None' for NodePort services", ""
    if "IPv6" in spec.ip_families:
        yield f"spec.ipFamilies[{spec.ip_families.index('IPv6')}]", IPV6_LATER, ""
    if spec.cluster_ips and spec.cluster_ips != (spec.cluster_ip,):
        yield "spec.clusterIPs", "must be a list of one address, the one of clusterIP", "leave clusterIPs out"
    yield from _port_problems(spec)


def _external_name_problems(spec: ServiceSpec) -> Iterator[FieldProblem]:
    if not spec.external_name:
        yield "spec.externalName", "required", "the DNS name this Service is an alias of"
    if spec.cluster_ip:
        yield "spec.clusterIP", "may not be set for ExternalName services", ""


def _port_problems(spec: ServiceSpec) -> Iterator[FieldProblem]:
    for n, port in enumerate(spec.ports):
        if len(spec.ports) > 1 and not port.name:
            yield f"spec.ports[{n}].name", "required", "a Service with several ports names them all"
        if port.node_port and spec.type in ("ClusterIP", EXTERNAL):
            yield f"spec.ports[{n}].nodePort", f"may not be used when type is {shown(spec.type)}", "type: NodePort"
    yield from repeated((port.name for port in spec.ports), "spec.ports", "name")
    yield from repeated(((port.protocol, port.port) if port.port else () for port in spec.ports), "spec.ports", "port")
    node_ports = ((port.protocol, port.node_port) if port.node_port else () for port in spec.ports)
    yield from repeated(node_ports, "spec.ports", "nodePort")


def slice_problems(item: EndpointSlice) -> Iterator[FieldProblem]:
    """Yield the faults of an EndpointSlice. One without the label of a Service is allowed, as in Kubernetes."""
    if item.address_type == "IPv6":
        yield "addressType", IPV6_LATER, "addressType: IPv4"
    if len(item.endpoints) > MAX_ENDPOINTS:
        yield "endpoints", f"must have at most {MAX_ENDPOINTS} items, has {len(item.endpoints)}", ""
    for n, endpoint in enumerate(item.endpoints):
        yield from _endpoint_problems(endpoint, item.address_type, f"endpoints[{n}]")
    yield from repeated((port.name for port in item.ports), "ports", "name")
    unnamed = [n for n, port in enumerate(item.ports) if not port.name]
    for n in unnamed[1:]:
        yield f"ports[{n}].name", f"is empty, as that of ports[{unnamed[0]}]; names must be unique", "give it a name"


def _endpoint_problems(endpoint: Endpoint, family: str, path: str) -> Iterator[FieldProblem]:
    if not endpoint.addresses:
        yield f"{path}.addresses", "must contain at least 1 item", ""
    if len(endpoint.addresses) > MAX_ADDRESSES:
        yield f"{path}.addresses", f"must have at most {MAX_ADDRESSES} items, has {len(endpoint.addresses)}", ""
    for n, address in enumerate(endpoint.addresses):
        message = _address_fault(address, family)
        if message:
            yield f"{path}.addresses[{n}]", f"{message}, is {shown(address)}", ""


def _address_fault(address: str, family: str) -> str:
    """What is wrong with the address of an endpoint; "" if it is no address at all, which its format says already."""
    if family != "IPv4" or ip(address):
        return ""
    if ipv4(address):
        return "must be an IPv4 address (addressType: IPv4)"
    found = ipaddress.IPv4Address(address)
    if found.is_unspecified:
        return "may not be unspecified (0.0.0.0)"
    if found.is_loopback:
        return "may not be in the loopback range (127.0.0.0/8)"
    if found.is_link_local:
        return "may not be in the link-local range (169.254.0.0/16)"
    return "may not be in the multicast range (224.0.0.0/4)" if found.is_multicast else ""
