"""A lab as a shell script that builds it without this program, and as the one that takes it away again. Pure text.

    network ..... the plan from nothing to what is wished, in sections; its lines are those that do each step by hand
    processes ... what runs in the Pods (plan/script_pods.py)
    removal ..... processes, namespaces, files: only what has the lab's names, and only if a script built it

POSIX shell and the tools of a Debian machine. Every name and value is quoted; a here-document ends with a word that is no line
of it. The directory below /run is made first: that it is there says that the lab was built by hand.
Source: POSIX.1-2017, Shell Command Language; ip-netns(8), whose /etc/netns files are the Pods' hosts and resolv.conf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net, mark
from netlab.model.lab import Cluster
from netlab.netstate.names import FABRIC, machine_netns
from netlab.netstate.state import NetState
from netlab.plan.diff import diff
from netlab.plan.script_pods import ETC_NETNS, Places, pod_lines, preparation, with_network
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddLink,
    AddRoute,
    ApplyIptables,
    ApplyNft,
    CreateNamespace,
    SetSysctl,
    Step,
    explained,
)

SECTIONS: dict[type[Step], str] = {
    CreateNamespace: "Namespaces: the switch, the machines, the Pods",
    SetSysctl: "Kernel parameters of each",
    AddLink: "Bridges and cables",
    AddAddress: "Addresses",
    AddEntry: "What the tunnels know: who has which address, and where",
    AddRoute: "Routes",
    ApplyNft: "Rules: this is all that Services are",
    ApplyIptables: "Rules of iptables: this is all that Services are",
}
TALKATIVE = SetSysctl  # sysctl repeats what it is told

WITH_PROCESSES = """\
# It differs from the lab it was made from:
#   names       stand in each Pod's /etc/hosts. Nobody answers DNS: no SRV, no names that lead out of the cluster.
#   containers  have their Pod's network, names, variables, files and volumes. They see the machine's processes and devices, and
#               have all rights; nothing limits what they use.
#   life        nobody starts again what ends, and endpoints do not follow what the Pods do."""
NETWORK_ONLY = "# Only the network: the Pods are there with their addresses, and nothing runs in them."

HEAD = """\
#!/bin/sh
# The lab `{lab}` by hand, to be run as root where it is not up. {counts}.
{differences}
set -eu
umask 022
if [ -e /run/netns/{fabric} ]; then
    echo "{lab} is there already; take it down first" >&2
    exit 1
fi
mkdir -p {root}
mkdir {directory}"""

REMOVAL = """\
#!/bin/sh
# Takes away the lab `{lab}` that was built by hand: what runs in its Pods, its namespaces, its files.
# What is gone already is complained about, and that is all.
set -u
if [ ! -d {directory} ]; then
    echo "{lab} was not built by hand: there is no {directory}" >&2
    exit 1
fi
pods={pods}
all={all}

# ---- Processes: whatever runs in a Pod's namespace ----
for netns in $pods; do
    while pids=$(ip netns pids "$netns") && [ -n "$pids" ]; do
        kill -KILL $pids 2>/dev/null  # one number a line, to be split; some may have ended meanwhile
    done
done

# ---- Namespaces: links, addresses, routes and rules go with them ----
{deletions}
for netns in $all; do
    if [ -e "/run/netns/$netns" ]; then
        echo "$netns is still there" >&2
        exit 1
    fi
done

# ---- Files ----
for netns in $pods; do
    rm -rf "{etc}/$netns"
done
rm -rf {directory}
rmdir {etc} {root} 2>/dev/null  # unless there is something else in them

echo "{lab} is gone: no namespace of it is left"
"""


def build_script(cluster: Cluster, assignments: Assignments, *, processes: bool = True) -> str:
    """Return the script that builds the lab as it is wished now, with its Pods' programs if `processes` are wanted."""
    places = Places(cluster.lab.metadata.name)
    plan = diff(compile_net(cluster, assignments), NetState(), mark(cluster.lab.metadata.uid))
    lines = [_head(cluster, places, processes=processes), *_network(plan.steps)]
    if processes:
        lines += _title("Pods: how a container's root directory is made, and the names of Services")
        lines += preparation(cluster, assignments, places)
        for pod in with_network(cluster, assignments):
            lines += pod_lines(cluster, assignments, pod, places)
    lines += ["", f'echo "{places.lab} is built: see ip netns; what runs in it prints to files below {places.directory}"']
    return "\n".join(lines) + "\n"


def removal_script(cluster: Cluster, assignments: Assignments) -> str:
    """Return the script that removes what `build_script` of the same lab built, whole or in part; it can be repeated."""
    places = Places(cluster.lab.metadata.name)
    steps = diff(NetState(), compile_net(cluster, assignments), mark(cluster.lab.metadata.uid)).steps
    return REMOVAL.format(
        lab=places.lab,
        directory=places.directory,
        root=places.root,
        etc=ETC_NETNS,
        pods=_list(places.netns(pod) for pod in with_network(cluster, assignments)),
        all=_list(step.netns for step in steps),
        deletions="\n".join(map(explained, steps)),
    )


def _list(names: Iterable[str]) -> str:
    """Names of namespaces, one a line, for a variable; they consist of letters, digits, dots and dashes."""
    return "'" + "".join(f"\n    {name}" for name in names) + "'"


def _head(cluster: Cluster, places: Places, *, processes: bool) -> str:
    return HEAD.format(
        lab=places.lab,
        directory=places.directory,
        root=places.root,
        fabric=machine_netns(places.lab, FABRIC),
        counts=f"Nodes: {len(cluster.nodes)}, Pods: {len(cluster.pods)}, Services: {len(cluster.services)}",
        differences=WITH_PROCESSES if processes else NETWORK_ONLY,
    )


def _network(steps: Sequence[Step]) -> Iterator[str]:
    for kind, group in groupby(steps, key=type):
        yield from _title(SECTIONS[kind])
        commands = [explained(step) for step in group]
        yield from ["{", *commands, "} >/dev/null"] if kind is TALKATIVE else commands


def _title(text: str) -> list[str]:
    return ["", f"# ---- {text} ----"]
