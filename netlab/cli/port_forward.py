"""`netlab port-forward`: ports of this machine that lead to ports of a Pod, as long as the command runs.

Clients reach 127.0.0.1 of the Pod, so also a program that listens nowhere else; no Service and no rule of a Node is passed.
Of a Service the port is looked up (its targetPort), then one of its Pods is taken.
Source: kubectl port-forward and client-go tools/portforward, as of v1.32 (words, ports, addresses).
"""

from __future__ import annotations

import ipaddress
import os
import signal
from collections.abc import Callable, Sequence
from functools import partial

import click

from netlab.cli.find import find_object, find_pod, require_reachable
from netlab.cli.options import complete_targets, example, lab_option, live_lab, namespace_option
from netlab.desired.host_network import netns_of
from netlab.engine.containers import new_runtime
from netlab.engine.view import read_lab
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.kernel.forward import Forwarder
from netlab.model.container import ContainerPort
from netlab.model.lab import KubernetesObject
from netlab.model.pod import Pod
from netlab.model.service import Service, ServicePort

LOCALHOST = ("127.0.0.1", "::1")
PORT_MAX = 65535


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A port of this machine (0: a free one) and the port of the Pod it leads to."""

    local: int
    remote: int


@click.command(
    "port-forward",
    epilog=example(
        "netlab port-forward svc/frontend 8080:80",
        "netlab port-forward deploy/redis-master 6379",
        "netlab port-forward deploy/frontend :80",
    ),
)
@click.option(
    "--address", "addresses", multiple=True, default=("127.0.0.1",), show_default=True, metavar="IP[,IP]|localhost",
    help="Where to listen.",
)  # fmt: skip
@namespace_option
@lab_option
@click.argument("words", nargs=-1, metavar="POD|TYPE/NAME [LOCAL:]REMOTE...", shell_complete=complete_targets)
def command(*, addresses: tuple[str, ...], namespace: str | None, lab: str, words: tuple[str, ...]) -> None:
    """Forward ports of this machine to a Pod until Ctrl-C.

    TYPE/NAME is pod/NAME, deploy/NAME or svc/NAME. LOCAL may be left out, or be 0 or empty for a free port; REMOTE is a number
    or the name of a port, of a Service its own one.
    """
    if len(words) < 2:
        raise NetlabError("TYPE/NAME and list of ports are required for port-forward")
    paths = live_lab(lab)
    cluster = read_lab(paths)
    scope = namespace or "default"
    places = listen_addresses(addresses)
    pod = find_pod(cluster, words[0], scope)
    wanted = forwardings(words[1:], find_object(cluster, words[0], scope), pod)
    require_reachable(cluster, pod)
    if pod.status.phase != "Running":
        raise NetlabError(f"unable to forward port because pod is not running. Current status={pod.status.phase}")
    ended = new_runtime(paths).sandbox_handle(pod.metadata.uid)
    forwarder = Forwarder(
        netns_of(paths.lab, pod),
        accepted=lambda local: click.echo(f"Handling connection for {local}"),
        failed=lambda local, remote, why: click.echo(
            f"error: an error occurred forwarding {local} -> {remote}: connect to 127.0.0.1:{remote} in {pod.key}: {why}",
            err=True,
        ),
    )
    before = signal.signal(signal.SIGINT, lambda _, __: forwarder.stop())
    try:
        listen(forwarder, wanted, places)
        if not forwarder.run(ended):
            raise NetlabError("lost connection to pod")
    finally:
        signal.signal(signal.SIGINT, before)
        forwarder.close()
        os.close(ended)


def listen(forwarder: Forwarder, wanted: Sequence[Forwarding], places: Sequence[tuple[str, bool]]) -> None:
    """Listen for all that is wanted and say so. Raises NetlabError unless at least one port can be had."""
    failed = [one for one in wanted if not _listen(forwarder, one, places)]
    if len(failed) == len(wanted):
        ports = " ".join(f"{{{one.local} {one.remote}}}" for one in wanted)
        raise NetlabError(f"unable to listen on any of the requested ports: [{ports}]")


def _listen(forwarder: Forwarder, one: Forwarding, places: Sequence[tuple[str, bool]]) -> bool:
    """Of `localhost` one address is enough; all others are needed. The second address gets the free port of the first."""
    port, errors, heard = one.local, [], []
    for address, is_needed in places:
        shown = f"[{address}]" if ":" in address else address
        try:
            port = forwarder.listen(address, port, one.remote)
        except OSError as error:
            kind = "tcp6" if ":" in address else "tcp4"
            errors.append((is_needed, f"listen {kind} {shown}:{port}: bind: {(error.strerror or str(error)).lower()}"))
            continue
        heard.append(is_needed)
        click.echo(f"Forwarding from {shown}:{port} -> {one.remote}")
    if not any(needed for needed, _ in errors) and (heard.count(False) or not errors):
        return True
    click.echo(
        f"Unable to listen on port {one.local}: Listeners failed to create with the following errors: "
        f"[{' '.join(f'unable to create listener: Error {text}' for _, text in errors)}]",
        err=True,
    )
    return False


def listen_addresses(words: Sequence[str]) -> list[tuple[str, bool]]:
    """Return the addresses to listen at, sorted, and whether each is needed. Raises NetlabError."""
    found: dict[str, bool] = {}
    for word in (part for text in words for part in text.split(",")):
        if word == "localhost":
            for address in LOCALHOST:
                found.setdefault(address, False)
            continue
        try:
            found[str(ipaddress.ip_address(word))] = True
        except ValueError:
            raise NetlabError(f"{word} is not a valid IP; or write localhost") from None
    return sorted(found.items())


def forwardings(words: Sequence[str], item: KubernetesObject, pod: Pod) -> list[Forwarding]:
    """Return what `[LOCAL:]REMOTE` means, of a Service or of a Pod itself. Raises NetlabError."""
    look_up = partial(_service_port, item, pod) if isinstance(item, Service) else partial(_pod_port, pod)
    return [_forwarding(word, look_up) for word in words]


def _forwarding(word: str, look_up: Callable[[str], tuple[int, int]]) -> Forwarding:
    """`look_up` gives the number of a remote port as it is called, and of the one in the Pod."""
    local, colon, remote = word.partition(":")
    remote = remote if colon else local
    if ":" in remote:
        raise NetlabError(f"invalid port format '{word}': write LOCAL:REMOTE, :REMOTE or REMOTE")
    if not remote:
        raise NetlabError("remote port cannot be empty")
    called, number = look_up(remote)
    own = called if not remote.isdecimal() else _number(remote, "local")
    if remote.isdecimal() and _number(remote, "remote") == 0:
        raise NetlabError("remote port must be > 0")
    return Forwarding(_number(local or "0", "local") if colon else own, number)


def _number(text: str, which: str) -> int:
    if not text.isdecimal() or len(text) > 5 or int(text) > PORT_MAX:
        raise NetlabError(f"error parsing {which} port '{text}': it must be a number from 0 to {PORT_MAX}")
    return int(text)


def _pod_port(pod: Pod, text: str) -> tuple[int, int]:
    ports = [port for container in pod.spec.all_containers for port in container.ports]
    if text.isdecimal():
        number = _number(text, "remote")
        _refuse_udp([port for port in ports if port.container_port == number], text)
        return number, number
    named = _named_port(pod, ports, text)
    _refuse_udp([port for port in ports if port.container_port == named.container_port], text)
    return named.container_port, named.container_port


def _named_port(pod: Pod, ports: Sequence[ContainerPort], name: str) -> ContainerPort:
    found = [port for port in ports if port.name == name]
    if not found:
        raise NetlabError(f"Pod '{pod.metadata.name}' does not have a named port '{name}'")
    return found[0]


def _service_port(service: Service, pod: Pod, text: str) -> tuple[int, int]:
    """A Service's port, by number or name, and what it is in this Pod."""
    name, ports = service.metadata.name, service.spec.ports
    if text.isdecimal():
        number = _number(text, "remote")
        found = [port for port in ports if port.port == number]
        if not found and not service.is_headless:
            raise NetlabError(f"Service {name} does not have a service port {number}")
    else:
        found = [port for port in ports if port.name == text]
        if not found:
            raise NetlabError(f"Service '{name}' does not have a named port '{text}'")
        number = found[0].port
    _refuse_udp([port for port in ports if port.port == number], text)
    return number, number if service.is_headless else _target(pod, found[0])


def _target(pod: Pod, port: ServicePort) -> int:
    if isinstance(port.target_port, int):
        return port.target_port or port.port
    ports = [one for container in pod.spec.all_containers for one in container.ports]
    return _named_port(pod, ports, port.target_port).container_port


def _refuse_udp(ports: Sequence[ContainerPort | ServicePort], text: str) -> None:
    """A port that only UDP uses cannot be forwarded; one that nothing is known of can."""
    if ports and all(port.protocol == "UDP" for port in ports):
        raise NetlabError(f"UDP protocol is not supported for {text}")
