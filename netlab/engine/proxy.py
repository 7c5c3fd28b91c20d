"""The mode of a Node's rules: what is wished, what is there, and the change from one to the other in a lab that runs.

A change is a wish like any other. Reconcile writes the new rules before it takes the old ones away, and connections keep the
translation that they have in the kernel's table of connections; whose rules it was that made it is not remembered there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from netlab.desired.compile import mark
from netlab.engine.session import Session
from netlab.engine.view import read_objects
from netlab.errors import HostUnready, NotFound
from netlab.frozen import dataclass
from netlab.kernel import iptables, iptables_trial
from netlab.kernel.installed import version_of
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.model.kube_proxy import IptablesVariant, ProxyMode
from netlab.model.lab import LabSpec
from netlab.netstate.iptables import IptablesRules
from netlab.netstate.names import machine_netns
from netlab.netstate.state import Namespace
from netlab.store.origins import changed_by
from netlab.store.paths import LabPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRules:
    """How one Node does what kube-proxy does, and what of it is there; `strangers` are rules of others, by their program."""

    node: str
    mode: ProxyMode
    program: str
    version: str
    rules: int
    strangers: dict[str, int]

    def hides(self, program: str) -> bool:
        """Tell whether the Node's own program does not show what another one wrote: that of xtables and all others."""
        return program.endswith("-legacy") != self.program.endswith("-legacy")


def usable_variant(wished: IptablesVariant | None, before: IptablesVariant) -> IptablesVariant:
    """Return the iptables program to use: the one that is wished; else that of the lab, or the only one that is installed.

    Raises:
        HostUnready: it is not installed, or the kernel lacks something that it needs; with the cure.
    """
    there = [variant for variant in iptables.VARIANTS if iptables.program(variant, "restore")]
    variant = wished or (before if before in there or not there else there[0])
    iptables_trial.require(variant)
    return variant


def require_rules(spec: LabSpec) -> None:
    """Raise HostUnready if a Node is to be in iptables mode and the machine cannot do that."""
    if any(spec.proxy_mode(node.name) == "iptables" for node in spec.nodes):
        iptables_trial.require(spec.kube_proxy.iptables_variant)


def set_proxy_mode(session: Session, mode: ProxyMode, names: Sequence[str], variant: IptablesVariant) -> list[str]:
    """Wish for a mode: of these Nodes, or of the whole lab if there are none; return the Nodes that had another one.

    Raises:
        NotFound: there is no such Node; then nothing is changed.
    """
    lab = session.lab
    known = {node.name for node in lab.spec.nodes}
    for name in names:
        if name not in known:
            raise NotFound(f'nodes "{name}" not found', origin="Error from server (NotFound)")
    spec = with_proxy_mode(lab.spec, mode, names, variant)
    if spec != lab.spec:
        with session.store.transaction():
            session.store.put_lab(replace(lab, spec=spec))
            changed_by(session.store, lab.metadata.uid, "netlab proxy mode")
    return [name for name in names or known if _way(lab.spec, name) != _way(spec, name)]


def with_proxy_mode(spec: LabSpec, mode: ProxyMode, names: Iterable[str], variant: IptablesVariant) -> LabSpec:
    """Return the Lab's wish with another mode; what a Node has of its own is only written where it differs from the lab's."""
    chosen = frozenset(names)
    config = replace(spec.kube_proxy, iptables_variant=variant)
    if not chosen:
        config = replace(config, mode=mode)
    templates = (
        replace(node, kube_proxy_mode="" if mode == config.mode else mode) if node.name in chosen or not chosen else node
        for node in spec.nodes
    )
    return replace(spec, kube_proxy=config, nodes=tuple(templates))


def _way(spec: LabSpec, name: str) -> str:
    mode = spec.proxy_mode(name)
    return spec.kube_proxy.iptables_variant if mode == "iptables" else mode


def look_at_rules(paths: LabPaths) -> list[NodeRules]:
    """Return what the Nodes of a lab have, in the order of the Lab. Raises NotFound, KernelError."""
    cluster = read_objects(paths)
    names = {machine_netns(paths.lab, node.name): node.name for node in cluster.lab.spec.nodes}
    network = LinuxNetwork()
    try:
        seen = network.observe(Scope(mark=mark(cluster.lab.metadata.uid), names=frozenset(names))).by_name
    finally:
        network.close()
    versions: dict[str, str] = {}
    found = []
    for netns, name in names.items():
        mode, space = cluster.lab.spec.proxy_mode(name), seen.get(netns, Namespace(name=netns))
        program = f"iptables-{cluster.lab.spec.kube_proxy.iptables_variant}" if mode == "iptables" else "nft"
        if program not in versions:
            versions[program] = ".".join(map(str, _version(program)))
        found.append(
            NodeRules(
                node=name, mode=mode, program=program, version=versions[program], rules=_count(space, mode),
                strangers={rules.program: _rules_in([rules]) for rules in sorted(space.strangers, key=lambda one: one.program)},
            )
        )  # fmt: skip
    return found


def _count(space: Namespace, mode: ProxyMode) -> int:
    if mode == "iptables":
        return _rules_in(space.iptables)
    return sum(len(chain.rules) for chain in space.table.chains) if space.table else 0


def _rules_in(found: Iterable[IptablesRules]) -> int:
    return sum(len(chain.rules) for rules in found for table in rules.tables for chain in table.chains)


def _version(program: str) -> tuple[int, ...]:
    try:
        return version_of([program, "--version"])
    except OSError as error:
        raise HostUnready(f"{program} is missing") from error
