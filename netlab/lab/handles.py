"""One Pod, Service or machine of a lab by its name. A handle holds nothing: each property looks at the lab anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address

from netlab.cli.find import find_pod
from netlab.cli.log_lines import text_of
from netlab.cli.reaching import container_of
from netlab.cli.words import not_found
from netlab.desired.host_network import netns_of
from netlab.engine.agent import wake_agent
from netlab.engine.containers import directories, new_runtime
from netlab.engine.nodes import start_nodes, stop_nodes
from netlab.engine.reconcile import reconcile
from netlab.engine.session import Session, session
from netlab.engine.view import read_lab
from netlab.errors import NotFound
from netlab.frozen import dataclass
from netlab.kernel.commands import run_command
from netlab.lab.captured import Call, Completed, captured, netns_call
from netlab.model.families import listed
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.outline import outline_of
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.netstate.links import is_ipv6
from netlab.netstate.names import OUTSIDE, NetnsName, machine_netns
from netlab.store.paths import LabPaths


@dataclass(frozen=True, slots=True)
class PodHandle:
    """A Pod: `web`, `pod/web`, or `deploy/web` for one of a Deployment. Every access raises NotFound if there is none."""

    paths: LabPaths
    name: str
    namespace: str = "default"

    @property
    def object(self) -> Pod:
        """The Pod as it is now, as `netlab get -o yaml` shows it."""
        return find_pod(read_lab(self.paths), self.name, self.namespace)

    @property
    def ip(self) -> str:
        """Its address, that of the lab's primary IP family; empty as long as it has none."""
        return next(iter(self.ips), "")

    @property
    def ips(self) -> tuple[str, ...]:
        """Its addresses, one of each IP family."""
        return self.object.status.pod_ips

    @property
    def node(self) -> str:
        """The name of its Node; empty as long as it has none."""
        return self.object.spec.node_name

    @property
    def phase(self) -> str:
        """Pending, Running, Succeeded or Failed."""
        return self.object.status.phase

    @property
    def is_ready(self) -> bool:
        """Tell whether it gets traffic of Services."""
        return self.object.is_ready

    @property
    def uid(self) -> str:
        """Its uid: another Pod of the same name has another one."""
        return self.object.metadata.uid

    @property
    def netns(self) -> NetnsName:
        """The name of its network namespace, for `ip netns exec` and `ip -n`."""
        return netns_of(self.paths.lab, self.object)

    def exec(
        self,
        *args: str,
        container: str | None = None,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
        timeout_s: float | None = None,
    ) -> Completed:
        """Run a command in a container and return what it printed.

        Args:
            args: the command and its arguments; no shell reads them.
            container: which one; it may be left out if the Pod has only one.
            input: its standard input; None: there is none.
            check: an exit code other than 0 is an error.
            timeout_s: after so many seconds all its processes are killed.

        Raises:
            CommandFailed: its exit code is not 0, and `check` is set. 127 and 126: it cannot be run.
            TimedOut: it was still running after `timeout_s`.
            NotFound: no such Pod, or the container does not run.
        """
        pod = self.object
        run = partial(run_command, directories(self.paths), pod.metadata.uid, container_of(outline_of(pod), container), args)
        call: Call = lambda stdio: run(stdio=stdio)  # noqa: E731 - a Call by place, not by name
        return captured(call, args, where=str(pod.key), given=input, check=check, timeout_s=timeout_s)

    def logs(self, container: str | None = None, *, previous: bool = False) -> str:
        """Return what a container printed, of this run or the one before. Raises NotFound if there was no such run."""
        pod = self.object
        name = container_of(outline_of(pod), container)
        path = new_runtime(self.paths).log_path(pod.metadata.uid, name, previous=previous)
        if not path.exists():
            raise NotFound(f"{pod.key}: container {name!r} has not run yet" + (" before this run" if previous else ""))
        with path.open(errors="replace", newline="\n") as file:
            return text_of(file)


@dataclass(frozen=True, slots=True)
class ServiceHandle:
    """A Service. Every access raises NotFound if there is none."""

    paths: LabPaths
    name: str
    namespace: str = "default"

    @property
    def object(self) -> Service:
        """The Service as it is now, as `netlab get -o yaml` shows it."""
        return self._in(read_lab(self.paths))

    @property
    def cluster_ip(self) -> str:
        """Its virtual address, the primary one of two; `None` (the word) if it is headless."""
        return self.object.spec.cluster_ip

    @property
    def cluster_ips(self) -> tuple[str, ...]:
        """Its virtual addresses, one of each of its IP families; `None` (the word) if it is headless."""
        return self.object.spec.cluster_ips

    @property
    def ports(self) -> tuple[int, ...]:
        """Its ports, in the manifest's order."""
        return tuple(port.port for port in self.object.spec.ports)

    @property
    def node_ports(self) -> tuple[int, ...]:
        """The ports at which every Node answers for it, in the same order; none unless it is of type NodePort."""
        return tuple(port.node_port for port in self.object.spec.ports if port.node_port)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The addresses of the endpoints that are ready, sorted, IPv4 first; hand-written EndpointSlices count."""
        cluster = read_lab(self.paths)
        service = self._in(cluster)
        found = {
            address
            for item in cluster.slices
            if (item.metadata.namespace, item.service_name) == (self.namespace, service.metadata.name)
            for endpoint in item.endpoints
            if endpoint.conditions.ready
            for address in endpoint.addresses[:1]
        }
        return tuple(sorted(found, key=lambda address: (is_ipv6(address), ip_address(address))))

    def _in(self, cluster: Cluster) -> Service:
        item = cluster.objects.get(Key("Service", self.namespace, self.name))
        if not isinstance(item, Service):
            raise not_found("Service", self.name)
        return item


@dataclass(frozen=True, slots=True)
class Machine:
    """A Node, or `outside`, the client that is not part of the cluster. Raises NotFound for a Node that there is not."""

    paths: LabPaths
    name: str

    @property
    def ip(self) -> str:
        """Its address, that of the lab's primary IP family; see `ips`."""
        return self.ips[0]

    @property
    def ips(self) -> tuple[str, ...]:
        """Its addresses, one of each family: a Node's on the fabric, the client's own that stand for the Internet."""
        return self._addresses(read_lab(self.paths))

    @property
    def netns(self) -> NetnsName:
        """The name of its network namespace, for `ip netns exec` and `ip -n`."""
        self._addresses(read_lab(self.paths))
        return machine_netns(self.paths.lab, self.name)

    def stop(self, notice_after_s: int | None = None) -> None:
        """Let a Node's machine die; off already, nothing happens. None: noticed after the lab's nodeMonitorGracePeriod."""
        self._switch(lambda opened: stop_nodes(opened, [self.name], notice_after_s))

    def start(self) -> None:
        """Let a Node's machine come back; on already, nothing happens."""
        self._switch(lambda opened: start_nodes(opened, [self.name]))

    def _switch(self, act: Callable[[Session], object]) -> None:
        with session(self.paths) as opened:
            act(opened)
            reconcile(opened)
        wake_agent(self.paths)

    def exec(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
        timeout_s: float | None = None,
    ) -> Completed:
        """Run a program of this computer in the machine's network namespace; the same as for a Pod otherwise."""
        call = netns_call(self.netns, args)
        return captured(call, args, where=self.name, given=input, check=check, timeout_s=timeout_s)

    def _addresses(self, cluster: Cluster) -> tuple[str, ...]:
        if self.name == OUTSIDE:
            return tuple(cidr.partition("/")[0] for cidr in listed(cluster.lab.spec.outside_subnet))
        for node in cluster.nodes:
            if node.metadata.name == self.name:
                return tuple(item.address for item in node.status.addresses if item.type == "InternalIP")
        raise not_found("Node", self.name)
