"""What `describe` says of Services, EndpointSlices, Endpoints: the entry, who is behind it, and the rules that lead there.

Source: kubectl describe (v1.32) for all but the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlab.cli.cells import pairs
from netlab.cli.columns import MAX_ENDPOINTS
from netlab.cli.tabbed import NONE, block, headed, listed
from netlab.model.endpoints import Endpoints
from netlab.model.service import Endpoint, EndpointSlice, Service, ServicePort
from netlab.netstate.iptables import IptablesRules
from netlab.netstate.links import socket_text
from netlab.netstate.nft import NftTable
from netlab.packets.stages import iptables_blocks, nft_blocks


def service_lines(service: Service, slices: Sequence[EndpointSlice]) -> Iterator[str]:
    """Yield what there is to say of a Service behind its labels. `slices` are its own."""
    spec = service.spec
    is_alias = spec.type == "ExternalName"
    yield f"Selector:\t{pairs(spec.selector)}"
    yield f"Type:\t{spec.type}"
    if not is_alias:
        yield f"IP Family Policy:\t{spec.ip_family_policy or 'SingleStack'}"
    yield f"IP Families:\t{','.join(spec.ip_families) or NONE}"
    yield f"IP:\t{spec.cluster_ip}"
    yield f"IPs:\t{','.join(spec.cluster_ips) or NONE}"
    if spec.external_ips:
        yield f"External IPs:\t{','.join(spec.external_ips)}"
    if spec.load_balancer_ip:
        yield f"Desired LoadBalancer IP:\t{spec.load_balancer_ip}"
    if spec.external_name:
        yield f"External Name:\t{spec.external_name}"
    if ingress := service.status.load_balancer.ingress:
        yield f"LoadBalancer Ingress:\t{', '.join(f'{item.ip} ({item.ip_mode})' for item in ingress)}"
    for port in spec.ports:
        yield from _port(port, slices)
    yield f"Session Affinity:\t{spec.session_affinity}"
    if service.is_external:
        yield f"External Traffic Policy:\t{spec.external_traffic_policy or 'Cluster'}"
    if not is_alias:
        yield f"Internal Traffic Policy:\t{spec.internal_traffic_policy or 'Cluster'}"
    if spec.traffic_distribution:
        yield f"Traffic Distribution:\t{spec.traffic_distribution}"
    if spec.health_check_node_port:
        yield f"HealthCheck NodePort:\t{spec.health_check_node_port}"
    if spec.load_balancer_source_ranges:
        yield f"LoadBalancer Source Ranges:\t{','.join(spec.load_balancer_source_ranges)}"


def _port(port: ServicePort, slices: Sequence[EndpointSlice]) -> Iterator[str]:
    name = port.name or "<unset>"
    yield f"Port:\t{name}\t{port.port}/{port.protocol}"
    yield f"TargetPort:\t{port.target_port}/{port.protocol}"
    if port.node_port:
        yield f"NodePort:\t{name}\t{port.node_port}/{port.protocol}"
    found = [
        socket_text(endpoint.addresses[0], target.port)
        for item in slices
        for target in item.ports
        if target.name == port.name
        for endpoint in item.endpoints
        if endpoint.conditions.ready
    ]
    more = len(found) - MAX_ENDPOINTS
    yield f"Endpoints:\t{','.join(found[:MAX_ENDPOINTS]) or NONE}" + (f" + {more} more..." if more > 0 else "")


def iptables_lines(rules: IptablesRules, where: str) -> Iterator[str]:
    """Yield the section `Rules:` for Nodes in iptables mode: what of their rules is there for one Service."""
    blocks = iptables_blocks(rules)
    yield f"Rules:\t{f'{rules.program}-save, on {where}' if blocks else NONE}"
    for one in blocks:
        yield from listed(f"  {one.name}", one.lines)


def rule_lines(table: NftTable, where: str) -> Iterator[str]:
    """Yield the section `Rules:` for Nodes in nftables mode: what of their table is there for one Service, as packets go."""
    blocks = nft_blocks(table)
    yield f"Rules:\t{f'nft list table {table.family} {table.name}, on {where}' if blocks else NONE}"
    for one in blocks:
        yield from listed(f"  {one.keyword} {one.name}", one.lines)


def slice_lines(item: EndpointSlice) -> Iterator[str]:
    """Yield what there is to say of an EndpointSlice behind its annotations."""
    yield f"AddressType:\t{item.address_type}"
    ports = [[port.name or "<unset>", str(port.port), port.protocol] for port in item.ports]
    yield from block("Ports", ["Name", "Port", "Protocol"], ports)
    yield headed("Endpoints", item.endpoints)
    for endpoint in item.endpoints:
        yield from _endpoint(endpoint)


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    conditions = endpoint.conditions
    yield f"  - Addresses:\t{', '.join(endpoint.addresses)}"
    yield "    Conditions:"
    for label, is_true in (
        ("Ready", conditions.ready), ("Serving", conditions.serving), ("Terminating", conditions.terminating)
    ):  # fmt: skip
        yield f"      {label}:\t{str(is_true).lower()}"
    yield f"    Hostname:\t{endpoint.hostname or '<unset>'}"
    if endpoint.target_ref:
        yield f"    TargetRef:\t{endpoint.target_ref.kind}/{endpoint.target_ref.name}"
    yield f"    NodeName:\t{endpoint.node_name or '<unset>'}"


def endpoints_lines(item: Endpoints) -> Iterator[str]:
    """Yield what there is to say of Endpoints behind their annotations."""
    yield "Subsets:"
    for subset in item.subsets:
        for label, found in (("Addresses", subset.addresses), ("NotReadyAddresses", subset.not_ready_addresses)):
            yield f"  {label}:\t{','.join(address.ip for address in found) or NONE}"
        if subset.ports:
            rows = [[port.name or "<unset>", str(port.port), port.protocol] for port in subset.ports]
            yield from (f"  {line}" for line in block("Ports", ["Name", "Port", "Protocol"], rows))
        yield ""
