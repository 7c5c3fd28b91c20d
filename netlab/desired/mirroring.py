"""Endpoints and EndpointSlices, each made from the other: whoever reads one form sees what was written in the other. Pure.

    Service ...              its Endpoints are            its slices
    with a selector          made here, of its slices     are made from Pods (endpoints.py)
    without one              written by hand              are made here, of its Endpoints: one for each set of ports and family

Not mirrored: Endpoints with the label SKIP, those that elect a leader, those of no Service. What is made is never stored.
Source: pkg/controller/endpointslicemirroring (reconciler.go, utils.go) and endpoint; docs, EndpointSlices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netlab.model.endpoints import EndpointAddress, Endpoints, EndpointSubset
from netlab.model.families import IPFamily, family_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key, ObjectMeta, OwnerReference
from netlab.model.service import Endpoint, EndpointConditions, EndpointPort, EndpointSlice, Service
from netlab.netstate.names import digest
from netlab.remembered import remembered_each

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
HEADLESS = "service.kubernetes.io/headless"
OWN_ANNOTATIONS = {"endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"}
MAX_ADDRESSES = 1000
NAME_MAX = 253

Ports = tuple[EndpointPort, ...]


def slice_name(service: str, *parts: str) -> str:
    """Return the name of a slice that is made for a Service: `web-1a2b3`; it is the same as long as `parts` are."""
    return f"{service[: NAME_MAX - 6]}-{digest(*parts)[:5]}"


# Endpoints -> EndpointSlices ----------------------------------------------------------------------------------------------


def mirrored_slices(cluster: Cluster) -> tuple[EndpointSlice, ...]:
    """Return the slices that follow from Endpoints that were written by hand."""
    found = _mirrors((item,) for item in cluster.of_kind(Endpoints) if _selects_nothing(cluster, item) and is_mirrored(item))
    return tuple(item for items in found for item in items)


def _selects_nothing(cluster: Cluster, item: Endpoints) -> bool:
    """Tell whether there is a Service of these Endpoints, and it has no selector."""
    service = cluster.objects.get(Key(Service.kind, item.metadata.namespace, item.metadata.name))
    return isinstance(service, Service) and not service.spec.selector


def is_mirrored(item: Endpoints) -> bool:
    """Tell whether slices are made of these Endpoints, if their Service has no selector."""
    return item.metadata.labels.get(SKIP) != "true" and LEADER not in item.metadata.annotations


@remembered_each
def _mirrors(item: Endpoints) -> tuple[EndpointSlice, ...]:
    groups: dict[tuple[Ports, IPFamily], dict[object, Endpoint]] = {}
    for subset in item.subsets:
        ports = tuple(sorted(subset.ports, key=lambda port: (port.name, port.protocol, port.port)))
        addresses = [(one, True) for one in subset.addresses] + [(one, False) for one in subset.not_ready_addresses]
        for address, is_ready in addresses[:MAX_ADDRESSES]:
            group = groups.setdefault((ports, family_of(address.ip)), {})
            group[address.ip, address.hostname, address.target_ref] = _endpoint(address, is_ready=is_ready)
    every = ((ports, family, tuple(found.values())) for (ports, family), found in groups.items())
    return tuple(
        _slice(item, ports, family, endpoints[start : start + MAX_ADDRESSES], start)
        for ports, family, endpoints in every
        for start in range(0, len(endpoints), MAX_ADDRESSES)
    )


def _endpoint(address: EndpointAddress, *, is_ready: bool) -> Endpoint:
    return Endpoint(
        addresses=(address.ip,),
        conditions=EndpointConditions(ready=is_ready, serving=is_ready),
        hostname=address.hostname,
        node_name=address.node_name,
        target_ref=address.target_ref,
    )


def _slice(item: Endpoints, ports: Ports, family: IPFamily, endpoints: tuple[Endpoint, ...], start: int) -> EndpointSlice:
    meta = item.metadata
    return EndpointSlice(
        metadata=ObjectMeta(
            name=slice_name(meta.name, "mirrored", meta.uid, repr(ports), family, str(start)),
            namespace=meta.namespace,
            labels={**meta.labels, EndpointSlice.SERVICE_LABEL: meta.name, MANAGED_BY: CONTROLLER},
            annotations={key: text for key, text in meta.annotations.items() if key not in OWN_ANNOTATIONS},
            owner_references=(OwnerReference(api_version="v1", kind=Endpoints.kind, name=meta.name, uid=meta.uid),),
            creation_timestamp=meta.creation_timestamp,
        ),
        address_type=family,
        ports=ports,
        endpoints=endpoints,
    )


# EndpointSlices -> Endpoints ----------------------------------------------------------------------------------------------


def derive_endpoints(services: Iterable[Service], slices: Iterable[EndpointSlice]) -> Iterator[Endpoints]:
    """Yield the Endpoints of every Service with a selector, which are of one family: that of its primary virtual IP.

    `services` have their families, `slices` are those made for them; an address beyond the first MAX_ADDRESSES is left out.
    """
    by_service: dict[tuple[str, str], list[EndpointSlice]] = {}
    for item in slices:
        by_service.setdefault((item.metadata.namespace, item.service_name), []).append(item)
    for service in services:
        meta = service.metadata
        if service.spec.selector and service.spec.type != "ExternalName":
            found = by_service.get((meta.namespace, meta.name), ())
            mine = [item for item in found if item.address_type in service.spec.ip_families[:1]]
            yield Endpoints(
                metadata=ObjectMeta(
                    name=meta.name,
                    namespace=meta.namespace,
                    labels={**meta.labels, **({HEADLESS: ""} if service.is_headless else {})},
                    creation_timestamp=meta.creation_timestamp,
                ),
                subsets=tuple(_subsets(mine)),
            )


def _subsets(slices: Sequence[EndpointSlice]) -> Iterator[EndpointSubset]:
    room = MAX_ADDRESSES
    for ports in dict.fromkeys(item.ports for item in slices):
        every = [one for item in slices if item.ports == ports for one in item.endpoints]
        ready = [_address(one) for one in every if one.conditions.ready][:room]
        room -= len(ready)
        others = [_address(one) for one in every if not (one.conditions.ready or one.conditions.terminating)][:room]
        room -= len(others)
        if ready or others:
            yield EndpointSubset(addresses=_sorted(ready), not_ready_addresses=_sorted(others), ports=ports)


def _sorted(addresses: Iterable[EndpointAddress]) -> tuple[EndpointAddress, ...]:
    return tuple(sorted(addresses, key=lambda address: address.ip))


def _address(endpoint: Endpoint) -> EndpointAddress:
    return EndpointAddress(
        ip=endpoint.addresses[0],
        hostname=endpoint.hostname,
        node_name=endpoint.node_name,
        target_ref=endpoint.target_ref,
    )
