"""From a user's words to the two ends of a trace: where the request is sent from, and the address and port it is sent to.

    pod/web, deploy/web, web        a Pod, the best one of a workload, and its container's port by number or name
    svc/web:http, svc/web           the ClusterIP, from outside the load balancer if it has one; with one port it needs none
    node-1:30080, outside           a machine of the lab
    10.96.0.10:53, [fd00::1]:80     any address, whoever has it

Without a port it is a ping. Pure but for NotFound and the other errors that all verbs have.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple

from netlab.cli.find import find_machine, find_object, find_pod, pods_of, require_reachable
from netlab.cli.words import usage
from netlab.desired.assignments import Assignments
from netlab.desired.host_network import netns_of
from netlab.desired.resolver import Resolver, read_resolv_conf, resolv_conf_text
from netlab.errors import NetlabError, NotFound
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.service import Service, ServicePort
from netlab.netstate.links import is_ipv6
from netlab.netstate.names import OUTSIDE, NetnsName
from netlab.netstate.state import NetState
from netlab.packets.lookup import checked_name, questions

PORT_MAX = 65535
DNS_PORT = 53


class LabNow(NamedTuple):
    """The lab: its objects as kubectl would see them, the choices made for them, the network as it is in the kernel."""

    cluster: Cluster
    assignments: Assignments
    net: NetState


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request is sent: `port` is 0 for a ping. `protocol` is `tcp`, `udp`, `sctp`, `icmp` or `icmpv6`."""

    address: str
    port: int
    protocol: str


def sender(cluster: Cluster, word: str, namespace: str) -> NetnsName:
    """Return the namespace that `pod/web`, `deploy/web`, `node-1` or `outside` names.

    Raises:
        NotFound: there is no such object.
        NetlabError: it has no Pod that runs.
    """
    machine = find_machine(cluster, word)
    if machine is not None:
        return machine
    pod = find_pod(cluster, word, namespace)
    require_reachable(cluster, pod)
    if not pod.status.pod_ips:
        raise NetlabError(f"pod {pod.metadata.name} has no address yet: it is {pod.status.phase}")
    if pod.status.phase in FINAL_PHASES:
        raise NetlabError(f"pod {pod.metadata.name} sends nothing any more: it is {pod.status.phase}")
    return netns_of(cluster.lab.metadata.name, pod)


def target(lab: LabNow, source: str, word: str, namespace: str, *, udp: bool, ipv6: bool | None) -> Target:
    """Return where the words lead.

    Args:
        lab: the lab.
        source: from where, as above.
        word: as above.
        namespace: in which objects are looked for.
        udp: the protocol, where no Service says it.
        ipv6: the family; None takes the first address there is.

    Raises:
        NotFound: there is no such object.
        NetlabError: it has no address of the family, or its port has to be said.
    """
    name, port = split_port(word)
    found = _addresses(lab.cluster, lab.net, name, namespace)
    if isinstance(found, Service):
        outer = [one.ip for one in found.status.load_balancer.ingress] if source == OUTSIDE else []
        return _of_service(lab.cluster, found, outer, port, udp=udp, ipv6=ipv6)
    addresses, pod = found
    address = _pick(addresses, name, ipv6=ipv6)
    if not port:
        if udp:
            raise usage(f"{word}: which port?", "for example pod/web:53")
        return Target(address=address, port=0, protocol="icmpv6" if is_ipv6(address) else "icmp")
    return Target(address=address, port=_number(port, pod), protocol="udp" if udp else "tcp")


def name_server(lab: LabNow, word: str, namespace: str) -> Target:
    """Return where a program in the Pod asks for names: the first name server of its resolv.conf.

    Raises:
        NetlabError: it is no Pod, or has no name server.
    """
    resolver = _resolver(lab, word, namespace)
    if not resolver.nameservers:
        raise NetlabError(f"{word} has no name server: its dnsPolicy is None")
    return Target(address=resolver.nameservers[0], port=DNS_PORT, protocol="udp")


def asked_name(lab: LabNow, word: str, namespace: str, name: str) -> str:
    """Return the name that a program in the Pod asks for first: with the first domain of its search list, or as it stands."""
    return next(questions(checked_name(name), _resolver(lab, word, namespace))).name


def _resolver(lab: LabNow, word: str, namespace: str) -> Resolver:
    if find_machine(lab.cluster, word) is not None:
        raise usage(f"{word} has no name server", "--dns is for Pods")
    return read_resolv_conf(resolv_conf_text(lab.cluster, lab.assignments, find_pod(lab.cluster, word, namespace)))


def split_port(word: str) -> tuple[str, str]:
    """Return the name or address and the port, "" if there is none: `[fd00::1]:80`, `svc/web:http`, `10.0.0.1`."""
    if word.startswith("["):
        address, _, port = word[1:].partition("]")
        return address, port.removeprefix(":")
    try:
        ip_address(word)
    except ValueError:
        name, _, port = word.partition(":")
        return name, port
    return word, ""


def _addresses(cluster: Cluster, net: NetState, name: str, namespace: str) -> Service | tuple[list[str], Pod | None]:
    """Return what a name leads to: a Service, or addresses, with the Pod that has them."""
    try:
        return [str(ip_address(name))], None
    except ValueError:
        pass
    machine = find_machine(cluster, name)
    if machine is not None:
        return _of_machine(net, machine), None
    item = find_object(cluster, _with_kind(cluster, name, namespace), namespace)
    if isinstance(item, Service):
        return item
    pod = find_pod(cluster, f"{item.kind.lower()}/{item.metadata.name}", namespace)
    require_reachable(cluster, pod)
    return list(pod.status.pod_ips), pod


def _with_kind(cluster: Cluster, name: str, namespace: str) -> str:
    """A name alone is a Pod's, or if there is none, a Service's."""
    if "/" in name or Key("Pod", namespace, name) in cluster.objects:
        return name
    return f"svc/{name}" if Key("Service", namespace, name) in cluster.objects else name


def _of_machine(net: NetState, machine: NetnsName) -> list[str]:
    """The addresses of a machine on the fabric."""
    space = net.by_name.get(machine)
    if space is None:
        raise NotFound(f"{machine} is not there")
    found = [one.address.partition("/")[0] for one in sorted(space.addresses) if one.dev == "eth0"]
    return [one for one in found if not ip_address(one).is_link_local]


def _of_service(cluster: Cluster, service: Service, outer: list[str], port: str, *, udp: bool, ipv6: bool | None) -> Target:
    name = service.metadata.name
    if service.spec.type == "ExternalName":
        raise NetlabError(f"svc/{name} is an alias for {service.spec.external_name}: it has no address")
    known = _service_port(service, port)
    protocol = known.protocol.lower() if known else "udp" if udp else "tcp"
    addresses = outer or [one for one in (service.spec.cluster_ips or (service.spec.cluster_ip,)) if one not in {"", "None"}]
    if addresses:
        return Target(
            address=_pick(addresses, f"svc/{name}", ipv6=ipv6), port=known.port if known else int(port), protocol=protocol
        )
    ready = [pod for pod in pods_of(cluster, service) if pod.is_ready]
    if not ready:
        raise NetlabError(f"svc/{name} is headless and has no Pod that is ready: there is no address to go to")
    wanted = str(known.target_port or known.port) if known else port
    return Target(
        address=_pick(ready[0].status.pod_ips, f"svc/{name}", ipv6=ipv6), port=_number(wanted, ready[0]), protocol=protocol
    )


def _service_port(service: Service, port: str) -> ServicePort | None:
    """The port of a Service that is meant; None for a number that it does not have, which may be asked for all the same."""
    ports = service.spec.ports
    if not port and len(ports) == 1:
        return ports[0]
    found = next((one for one in ports if port in {one.name, str(one.port)} and port), None)
    if found or (port.isdecimal() and 0 < int(port) <= PORT_MAX):
        return found
    listed = ", ".join(f"{one.name} ({one.port})" if one.name else str(one.port) for one in ports)
    which = f"it has no port {port!r}" if port else "which port?"
    raise usage(f"svc/{service.metadata.name}: {which}", f"it has {listed}")


def _number(port: str, pod: Pod | None) -> int:
    """Return a port by its number, or by the name that a container of the Pod gives it."""
    if port.isdecimal() and 0 < int(port) <= PORT_MAX:
        return int(port)
    containers = pod.spec.containers if pod else ()
    named = {one.name: one.container_port for container in containers for one in container.ports if one.name}
    if port in named:
        return named[port]
    raise usage(f"{port!r} is no port", f"of its containers: {', '.join(named)}" if named else "a number of 1 to 65535")


def _pick(addresses: Iterable[str], name: str, *, ipv6: bool | None) -> str:
    found = [one for one in addresses if one and (ipv6 is None or is_ipv6(one) == ipv6)]
    if not found:
        raise NetlabError(f"{name} has no address{'' if ipv6 is None else ' of IPv6' if ipv6 else ' of IPv4'}")
    return found[0]
