"""What the machine must have before a network can be built: rights, kernel features, libraries, each with its cure.

Only what takes no time is looked at here; `netlab doctor` (doctor.py) makes these checks and more.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from netlab.kernel import installed, probes
from netlab.kernel.findings import Checks, require

RIGHTS: Final[Checks] = (("rights", probes.rights), ("proc-sys", probes.proc_sys))
KERNEL: Final[Checks] = (("netlink", probes.netlink), ("connection-tracking", probes.connection_tracking))
IPV6: Final[Checks] = (("ipv6", probes.ipv6_wanted),)
RULES: Final[Checks] = (("nft", installed.nft_version),)


def check_host(*, ipv6: bool = False) -> None:
    """Raise HostUnready with the first thing that is missing and its cure; load the conntrack module if it is one.

    `ipv6`: the lab has addresses of IPv6.
    """
    require(RIGHTS)
    _load_connection_tracking()
    require((*KERNEL, *(IPV6 if ipv6 else ()), *RULES))


def _load_connection_tracking() -> None:
    if not probes.CONNTRACK.exists() and (modprobe := shutil.which("modprobe")):
        subprocess.run([modprobe, "nf_conntrack"], check=False, capture_output=True)
