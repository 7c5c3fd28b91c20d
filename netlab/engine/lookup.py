"""A lookup as a Pod makes it: its own resolv.conf, queries out of its network namespace, and which Pod answered each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from netlab.desired.assignments import Assignments
from netlab.desired.host_network import netns_of
from netlab.desired.resolver import read_resolv_conf
from netlab.engine.containers import directories
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.kernel.connection_watch import tracked
from netlab.kernel.dns_client import PORT, ask
from netlab.kernel.files import read
from netlab.kernel.netns import names_in_use
from netlab.model.pod import Pod
from netlab.netstate.conntrack import FlowTuple
from netlab.netstate.dns import DnsReply
from netlab.netstate.names import NetnsName, machine_netns
from netlab.packets.lookup import TIMEOUT_S, Lookup, checked_name, hosts_entry, look_up
from netlab.store.paths import LabPaths

Answered = dict[tuple[str, int], str]
"""By the client's address and port of a query, the address of who answered it behind a Service."""
_NO_FILE: Final = "it has no /etc/resolv.conf: its containers were not started"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodLookup:
    """A lookup, what the Pod's /etc/hosts says of the name ("": nothing), and who answered, as `Answered` says."""

    lookup: Lookup
    hosts: str
    answered: Answered


def look_up_from(
    paths: LabPaths, assignments: Assignments, pod: Pod, question: tuple[str, str], timeout_s: float | None = None
) -> PodLookup:
    """Look a name up from within a Pod.

    Args:
        paths: of the lab.
        assignments: where Pods are.
        pod: who looks it up.
        question: the name, and the type of records.
        timeout_s: how long each answer is waited for; None: as the Pod's resolv.conf says.

    Raises:
        NetlabError: the Pod has no network now, or the name cannot be asked for.
        KernelError: Linux refuses.
    """
    name, kind = question
    bound = assignments.pods.get(pod.key)
    netns = netns_of(paths.lab, pod, bound)
    folder = directories(paths).pod(pod.metadata.uid)
    text = read(folder.path / "etc/resolv.conf")
    if bound is None or netns not in names_in_use() or text is None:
        raise NetlabError(f"{pod.key} has no network now: {_NO_FILE if text is None else 'its namespace is missing'}")
    resolver = read_resolv_conf(text)
    wanted = checked_name(name)
    asking = _Asking(netns, machine_netns(paths.lab, bound.node), timeout_s or float(resolver.number("timeout", TIMEOUT_S)))
    return PodLookup(
        lookup=replace(look_up(wanted, kind, resolver, asking.ask), name=name),
        hosts=hosts_entry(read(folder.disk / "hosts") or "", wanted),
        answered=asking.answered,
    )


class _Asking:
    """Sends queries out of a namespace, and looks at once in its Node's table of connections who each was translated to."""

    def __init__(self, netns: NetnsName, node: NetnsName, timeout_s: float) -> None:
        self._netns, self._node, self._timeout_s = netns, node, timeout_s
        self.answered: Answered = {}

    def ask(self, server: str, name: str, kind: str) -> DnsReply:
        reply = ask(self._netns, server, name, kind, self._timeout_s)
        sent = FlowTuple(reply.transport, *reply.client, server, PORT)
        for one in tracked([self._node]).get(self._node, ()):
            if one.original == sent and one.has_new_destination:
                self.answered[reply.client] = one.reply.source
        return reply
