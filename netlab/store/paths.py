"""Where a lab keeps its files, and nowhere else. Root only.

/run/netlab/<lab>/            state: gone after a reboot, like the namespaces it speaks of
    uid                       the ownership mark, written before anything is made
    lock                      held by the one command or agent that changes the lab
    store.db                  wishes and choices
    agent.lock, agent.log     held by the agent as long as it lives; what it had to say
    wake                      touched to make the agent look
    rules/                    what the nft table of each namespace was when it was last changed (kernel/known_rules.py)
    dns/records               what the cluster DNS answers
    pods/, exits/, crun/, ...  the container runtime's own (kernel/poddir.py)
/var/lib/netlab/<lab>/        data: what the programs of Pods write
/{run,var/lib}/netlab/_images the images of all labs (kernel/image_store.py), which outlive them
"""

from __future__ import annotations

import re
from pathlib import Path

from netlab.errors import ManifestError, Problem
from netlab.frozen import dataclass

STATE_ROOT = Path("/run/netlab")
DATA_ROOT = Path("/var/lib/netlab")
LAB_NAME = r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The files of the lab of this name. Raises ManifestError unless `lab` is a DNS label of at most 20 characters."""

    lab: str

    def __post_init__(self) -> None:
        if not re.fullmatch(LAB_NAME, self.lab):
            message = f"lab name {self.lab[:40]!r} must be a DNS label of at most 20 characters: a-z, 0-9 and -"
            raise ManifestError((Problem(file="--lab", line=0, object="", path="", message=message),))

    @property
    def state(self) -> Path:
        """The state directory."""
        return STATE_ROOT / self.lab

    @property
    def data(self) -> Path:
        """The data directory."""
        return DATA_ROOT / self.lab

    @property
    def uid(self) -> Path:
        """The file that holds the lab's uid."""
        return self.state / "uid"

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.state / "lock"

    @property
    def store(self) -> Path:
        """The state file."""
        return self.state / "store.db"

    @property
    def agent_lock(self) -> Path:
        """The file the agent holds locked; its content is the agent's pid."""
        return self.state / "agent.lock"

    @property
    def agent_log(self) -> Path:
        """What the agent printed."""
        return self.state / "agent.log"

    @property
    def wake(self) -> Path:
        """The directory in which a touched file makes the agent look at once."""
        return self.state / "wake"

    @property
    def rules(self) -> Path:
        """The directory of what is known of the namespaces' rules."""
        return self.state / "rules"

    @property
    def dns(self) -> Path:
        """The directory the DNS Pod sees."""
        return self.state / "dns"

    @property
    def exits(self) -> Path:
        """The directory in which a file appears when a container has ended."""
        return self.state / "exits"


def labs() -> list[str]:
    """Return the names of all labs that have a state directory, sorted."""
    if not STATE_ROOT.is_dir():
        return []
    return sorted(path.name for path in STATE_ROOT.iterdir() if path.is_dir() and re.fullmatch(LAB_NAME, path.name))
