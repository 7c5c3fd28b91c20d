"""What instruments need to know of a lab: its network as it is in the kernel, names for numbers, and reasons for rules."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property

from netlab.desired.compile import mark
from netlab.engine.view import open_store, read_origins, read_wish
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.service import Service
from netlab.netstate.names import OUTSIDE, NetnsName, machine_netns
from netlab.netstate.nft import Element
from netlab.netstate.state import NetState
from netlab.packets.reasons import AT_THE_BALANCER, ON_A_NODE, Reasons, of_rule
from netlab.packets.steps import owner_of
from netlab.packets.telling import Why
from netlab.store.origins import Origins
from netlab.store.paths import LabPaths


def observe(paths: LabPaths) -> NetState:
    """Return the lab's network as it is in the kernel. Raises NotFound, KernelError."""
    with closing(open_store(paths)) as store:
        lab = store.lab()
        assert lab is not None  # noqa: S101 - open_store has looked
        scope = Scope(mark=mark(lab.metadata.uid), names=store.namespaces())
    return LinuxNetwork(rules=KnownRules(paths.rules)).observe(scope)


class Whys:
    """Why the rules and elements of a lab's machines are there: the owner, the line of YAML, a sentence.

    Args:
        paths: the lab's files.
        cluster: the lab as kubectl would see it.
    """

    def __init__(self, paths: LabPaths, cluster: Cluster) -> None:
        self._paths, self._cluster = paths, cluster
        self._reasons: dict[tuple[Key, str], Reasons] = {}
        names = (*(node.name for node in cluster.lab.spec.nodes), OUTSIDE)
        self._machines = {machine_netns(paths.lab, name): name for name in names}

    def __call__(self, netns: NetnsName, name: str, item: Element | str, owner: str = "") -> Why:
        """Return why an element is in the set or map, or a rule in the chain, of this name.

        `owner` says whose it is (`default/web:http`), where it does not say so itself.
        """
        service = self._service(owner_of(item) or owner)
        machine = self._machines.get(netns)
        if service is None or machine is None:
            facts = AT_THE_BALANCER if machine == OUTSIDE else ON_A_NODE
            reason = of_rule(name, item, facts) if isinstance(item, str) else None
            return Why(text=reason.text) if reason else Why()
        found = self._of(service, machine).of(name, item)
        where = self._origins.place(service, found.path if found else "")
        meta = service.metadata
        who = f"svc/{meta.name}" if meta.namespace == "default" else f"svc/{meta.name}.{meta.namespace}"
        path = found.path if found else ""
        return Why(owner=who, place=f"{where} {path}".strip(), text=found.text if found else "")

    @cached_property
    def _origins(self) -> Origins:
        return read_origins(self._paths, self._cluster)

    def _of(self, service: Service, machine: str) -> Reasons:
        key = service.key, machine
        if key not in self._reasons:
            cluster, assignments = read_wish(self._paths)
            self._reasons[key] = Reasons(cluster, assignments, service, machine)
        return self._reasons[key]

    def _service(self, comment: str) -> Service | None:
        """The Service that a comment names: `default/web`, `default/web:http`."""
        namespace, _, name = comment.partition(":")[0].partition("/")
        found = self._cluster.objects.get(Key("Service", namespace, name))
        return found if isinstance(found, Service) else None
