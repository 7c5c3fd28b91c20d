"""All that is looked at on a machine, in order: the table behind `netlab doctor`.

What `netlab up` looks at (host.py, runtime_host.py) is in this table too, under the same names and with the same words; the
rest needs more time than a command should take, or is no reason not to begin.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from netlab.kernel import firewall, host, installed, iptables_trial, probes, runtime_host, trial
from netlab.kernel.findings import Checks, Finding, looked
from netlab.model.lab import LabSpec


def checks(data: Path, *, uplink: bool = False) -> Checks:
    """Return the table.

    Args:
        data: the directory of all labs' data.
        uplink: look also at what is in the way of a lab that the machine itself takes part in.
    """
    tried = functools.cache(trial.run)
    subnet = LabSpec().node_subnet
    return (
        *host.RIGHTS,
        ("python", probes.python),
        ("netlink", probes.netlink),
        *((name, lambda name: tried()[name]) for name in trial.NAMES),
        ("connection-tracking", probes.connection_tracking),  # behind the trial: its rules make the kernel load the module
        ("ipv6", probes.ipv6),
        ("br_netfilter", probes.br_netfilter),
        ("sctp", probes.sctp),
        *host.RULES,
        ("ip", installed.with_version),
        *((name, installed.with_version) for name in runtime_host.PROGRAMS),
        *runtime_host.KERNEL,
        ("seccomp", probes.seccomp),
        ("inotify", probes.inotify),
        ("data-directory", lambda name: probes.data_directory(name, data, data)),
        ("memory", probes.memory),
        ("skopeo", installed.with_version),
        ("tcpdump", installed.with_version),
        ("conntrack", installed.with_version),
        ("iptables", installed.iptables),
        ("iptables-rules", lambda name: iptables_trial.tried(name, "nft")),
        ("other-netlab", installed.other_netlab),
        *((("forward-policy", lambda name: firewall.forward_policy(name, subnet)),) if uplink else ()),
        *((("firewalld", lambda name: firewall.firewalld(name, subnet)),) if uplink else ()),
    )


def examine(table: Checks) -> Iterator[Finding]:
    """Make the checks one after the other and yield what each finds."""
    for name, look in table:
        yield looked(name, look)
