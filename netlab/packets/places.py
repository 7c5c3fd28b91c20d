"""Where to look for the packets of an object: interfaces, in network namespaces. Pure.

    Pod ................... its eth0
    Service ............... the eth0 of each of its Pods, their ports on their Nodes; of every Node cni0 and eth0
    Node, outside, fabric . all interfaces there

Who names interfaces means those, of all namespaces that belong to the object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from netlab.desired.assignments import Assignments
from netlab.desired.host_network import netns_of
from netlab.desired.wiring import CNI0, ETH0, pod_port
from netlab.errors import NotFound
from netlab.frozen import dataclass
from netlab.model.pod import Pod
from netlab.netstate.names import IfName, NetnsName, machine_netns
from netlab.netstate.seen import Place

Interfaces = Mapping[NetnsName, Sequence[IfName]]
"""What interfaces there are, in all namespaces that exist."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Interfaces of one namespace; None: all of them."""

    netns: NetnsName
    ifnames: tuple[IfName, ...] | None = None


def spots_of_pod(lab: str, pod: Pod, assignments: Assignments) -> tuple[Spot, ...]:
    """Return where a Pod is seen."""
    return (Spot(netns_of(lab, pod, assignments.pods.get(pod.key)), (ETH0,)),)


def spots_of_service(lab: str, pods: Iterable[Pod], assignments: Assignments) -> tuple[Spot, ...]:
    """Return where packets to and from these Pods of a Service are seen, on every Node, as a client may be on each."""
    inside: list[Spot] = []
    ports: dict[str, list[IfName]] = {node: [] for node in assignments.nodes}
    for pod in pods:
        inside += spots_of_pod(lab, pod, assignments)
        bound = assignments.pods.get(pod.key)
        if bound and bound.node in ports and not pod.spec.host_network:
            ports[bound.node].append(pod_port(lab, pod))
    return (*inside, *(Spot(machine_netns(lab, node), (*found, CNI0, ETH0)) for node, found in ports.items()))


def places(spots: Iterable[Spot], interfaces: Interfaces, only: Collection[str] = ()) -> tuple[Place, ...]:
    """Return the interfaces that exist of those that are meant, each once, in the order of the spots.

    Args:
        spots: where to look.
        interfaces: what there is.
        only: names of interfaces, in place of those that the spots say.

    Raises:
        NotFound: there is nothing to look at, or no interface of a name of `only`.
    """
    asked = list(spots)
    found = tuple(dict.fromkeys(_existing(asked, interfaces, only)))
    for name in only:
        if not any(place.ifname == name for place in found):
            known = sorted({one for spot in asked for one in interfaces.get(spot.netns, ())})
            raise NotFound(f"there is no interface {name!r} there; use one of {', '.join(known) or 'nothing'}")
    if not found:
        raise NotFound("there is no interface to look at: what is named has no network namespace now")
    return found


def _existing(spots: Iterable[Spot], interfaces: Interfaces, only: Collection[str]) -> Iterator[Place]:
    for spot in spots:
        wanted = only or spot.ifnames
        yield from (Place(spot.netns, name) for name in interfaces.get(spot.netns, ()) if wanted is None or name in wanted)
