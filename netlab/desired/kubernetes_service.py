"""The Service `default/kubernetes`: where a cluster's clients find its API server. Made, and made again, by a controller. Pure.

A lab has no API server, so its Endpoints and its slice name nobody and connections are refused. Whoever runs a server of their
own writes its address into the slice. As the API server does it: what is missing is made, and another type or other ports are
put right; nobody else can have the address (ipam.api_server).
Source: pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers (EndpointsAdapter); kubeadm for port 6443.
"""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.changes import Changes
from netlab.desired.mirroring import SKIP
from netlab.model.endpoints import Endpoints
from netlab.model.lab import Cluster
from netlab.model.meta import Key, ObjectMeta
from netlab.model.service import EndpointSlice, Service, ServicePort, ServiceSpec

KUBERNETES = Key("Service", "default", "kubernetes")
LABELS = {"component": "apiserver", "provider": "kubernetes"}
SPEC = ServiceSpec(ports=(ServicePort(name="https", port=443, target_port=6443),))


def kubernetes_service(cluster: Cluster, _: int, __: float) -> Changes:
    """Return what is missing of the Service, its Endpoints and its slice, and the Service put right if it was changed."""
    if Key("Namespace", "", KUBERNETES.namespace) not in cluster.objects:
        return Changes()
    meta = ObjectMeta(name=KUBERNETES.name, namespace=KUBERNETES.namespace)
    whole = (
        Service(metadata=replace(meta, labels=LABELS), spec=SPEC),
        Endpoints(metadata=replace(meta, labels={SKIP: "true"})),
        EndpointSlice(
            metadata=replace(meta, labels={EndpointSlice.SERVICE_LABEL: KUBERNETES.name}),
            address_type=cluster.lab.spec.families[0],
        ),
    )
    found = cluster.objects.get(KUBERNETES)
    changed = (replace(found, spec=SPEC),) if isinstance(found, Service) and not _is_right(found) else ()
    return Changes(put=(*(item for item in whole if item.key not in cluster.objects), *changed))


def _is_right(service: Service) -> bool:
    spec = service.spec
    return (spec.type, spec.ports, service.is_headless) == (SPEC.type, SPEC.ports, False)
