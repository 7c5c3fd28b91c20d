"""What the fields of a Service, an EndpointSlice and Endpoints demand of each other. Each fault: (field path, message, hint).

The range of nodePorts is the lab's and is checked where they are assigned.
Source: Kubernetes pkg/apis/core/validation (ValidateService, ValidateEndpoints), pkg/apis/discovery/validation.
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.manifest.address_rules import family_problems, special
from netlab.manifest.rules import repeated
from netlab.model.addresses import ip
from netlab.model.codec import FieldProblem
from netlab.model.endpoints import Endpoints, EndpointSubset
from netlab.model.service import Endpoint, EndpointSlice, Service, ServiceSpec
from netlab.model.words import shown

MAX_ADDRESSES = 100
MAX_ENDPOINTS = 1000
EXTERNAL, BALANCER = "ExternalName", "LoadBalancer"


def service_problems(service: Service) -> Iterator[FieldProblem]:
    """Yield the faults of a Service."""
    spec = service.spec
    if spec.type == EXTERNAL:
        yield from _external_name_problems(spec)
    elif spec.external_name:
        yield "spec.externalName", f"may only be set when type is ExternalName, is {shown(spec.type)}", ""
    if not spec.ports and not service.is_headless and spec.type != EXTERNAL:
        yield "spec.ports", "required", "only headless and ExternalName Services have none"
    if spec.type in {"NodePort", BALANCER} and service.is_headless:
        yield "spec.clusterIP", f"may not be set to 'None' for {spec.type} services", ""
    yield from family_problems(spec)
    yield from _policy_problems(service)
    for n, address in enumerate(spec.external_ips):
        if not ip(address) and (message := special(address)):
            yield f"spec.externalIPs[{n}]", f"{message}, is {shown(address)}", ""
    yield from _port_problems(spec)


_BALANCED = "may only be used when `type` is 'LoadBalancer'"
# What may be set only in some Services: the field, its name here, and where, in Kubernetes' words.
_ONLY = (
    ("spec.externalTrafficPolicy", "external_traffic_policy", "may only be set for externally-accessible services"),
    ("spec.loadBalancerSourceRanges", "load_balancer_source_ranges", _BALANCED),
    ("spec.loadBalancerClass", "load_balancer_class", _BALANCED),
    ("spec.allocateLoadBalancerNodePorts", "allocate_load_balancer_node_ports", _BALANCED),
    (
        "spec.healthCheckNodePort", "health_check_node_port",
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ),
    ("spec.sessionAffinityConfig", "session_affinity_config", "must not be set when session affinity is None"),
    ("spec.trafficDistribution", "traffic_distribution", "may not be set for ExternalName services"),
)  # fmt: skip


def _policy_problems(service: Service) -> Iterator[FieldProblem]:
    spec = service.spec
    is_balanced = spec.type == BALANCER
    allowed = {
        "external_traffic_policy": service.is_external,
        "load_balancer_source_ranges": is_balanced,
        "load_balancer_class": is_balanced,
        "allocate_load_balancer_node_ports": is_balanced,
        "health_check_node_port": service.has_health_check,
        "session_affinity_config": spec.session_affinity == "ClientIP",
        "traffic_distribution": spec.type != EXTERNAL,
    }
    for field, name, message in _ONLY:
        if getattr(spec, name) not in (None, "", 0, ()) and not allowed[name]:
            yield field, message, ""


def _external_name_problems(spec: ServiceSpec) -> Iterator[FieldProblem]:
    if not spec.external_name:
        yield "spec.externalName", "required", "the DNS name this Service is an alias of"
    if spec.cluster_ip:
        yield "spec.clusterIP", "may not be set for ExternalName services", ""


def _port_problems(spec: ServiceSpec) -> Iterator[FieldProblem]:
    for n, port in enumerate(spec.ports):
        if len(spec.ports) > 1 and not port.name:
            yield f"spec.ports[{n}].name", "required", "a Service with several ports names them all"
        if port.node_port and spec.type in {"ClusterIP", EXTERNAL}:
            yield f"spec.ports[{n}].nodePort", f"may not be used when type is {shown(spec.type)}", "type: NodePort"
    yield from repeated((port.name for port in spec.ports), "spec.ports", "name")
    yield from repeated(((port.protocol, port.port) if port.port else () for port in spec.ports), "spec.ports", "port")
    node_ports = ((port.protocol, port.node_port) if port.node_port else () for port in spec.ports)
    yield from repeated(node_ports, "spec.ports", "nodePort")


def slice_problems(item: EndpointSlice) -> Iterator[FieldProblem]:
    """Yield the faults of an EndpointSlice. One without the label of a Service is allowed, as in Kubernetes."""
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
    if ip(address):
        return ""
    if (":" in address) != (family == "IPv6"):
        return f"must be an {family} address (addressType: {family})"
    return special(address)


def endpoints_problems(item: Endpoints) -> Iterator[FieldProblem]:
    """Yield the faults of Endpoints. Those of no Service are allowed, as in Kubernetes."""
    for n, subset in enumerate(item.subsets):
        yield from _subset_problems(subset, f"subsets[{n}]")


def _subset_problems(subset: EndpointSubset, path: str) -> Iterator[FieldProblem]:
    if not (subset.addresses or subset.not_ready_addresses):
        yield path, "must specify `addresses` or `notReadyAddresses`", ""
    for field, addresses in (("addresses", subset.addresses), ("notReadyAddresses", subset.not_ready_addresses)):
        for n, address in enumerate(addresses):
            if address.ip and not ip(address.ip) and (message := special(address.ip)):
                yield f"{path}.{field}[{n}].ip", f"{message}, is {shown(address.ip)}", ""
    for n, port in enumerate(subset.ports):
        if len(subset.ports) > 1 and not port.name:
            yield f"{path}.ports[{n}].name", "required", "a subset with several ports names them all"
