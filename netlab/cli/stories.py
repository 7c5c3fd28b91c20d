"""Stories: what `netlab demo` tells, as files. `demos/NAME.yaml` has a title, steps, and the lines worth typing next.

    - say: what is to be seen, before it is
      capture: client web -i eth0 tcp port 80       words of a `netlab capture` that runs meanwhile
      run: netlab trace client svc/web              what is typed
      until: text                                   typed again until the output holds it,
      without: text                                 and does not hold this
      exit: 1                                       the exit code that it is to have, if not 0
      mode: iptables                                told only where the lab's first Node has rules of this kind
      expect:                                       claims about the packets that were seen (netlab.packets.claims)
        - {say: the Pod sees its own address, at: web/eth0, packet: 'tcp * > * (web) SYN, *'}

A story that needs a lab made in another way than usual names one of its own (`lab`). Its manifests are in the folder beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlab.errors import NotFound
from netlab.frozen import dataclass

if TYPE_CHECKING:
    from netlab.packets.claims import Claim

DEMOS = Path(__file__).resolve().parents[1] / "demos"
NAME = re.compile(r"[a-z0-9][-a-z0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line that is typed, and what has to come of it."""

    run: str
    say: str = ""
    capture: str = ""
    until: str = ""
    without: str = ""
    exit: int = 0
    mode: str = ""
    expect: tuple[Claim, ...] = ()

    @property
    def is_awaited(self) -> bool:
        """Tell whether it is typed again until it is as it should be."""
        return bool(self.until or self.without)

    def trouble(self, code: int, said: str) -> str:
        """Return why an exit code and an output are not as they should be; "" if they are."""
        if code != self.exit:
            return f"exit code {code}"
        if self.until not in said:
            return f"no {self.until!r} in its output"
        return f"still {self.without!r} in its output" if self.without and self.without in said else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a demo tells; `next` has pairs of a line to type and what it shows. `lab` "" is told in any lab."""

    title: str
    steps: tuple[Step, ...]
    next: tuple[tuple[str, str], ...]
    lab: str = ""


def names() -> list[str]:
    """Return the demos there are, sorted."""
    return sorted(path.stem for path in DEMOS.glob("*.yaml"))


def read(name: str) -> Story:
    """Return a demo's story. Raises NotFound if there is none of this name."""
    import yaml  # noqa: PLC0415 - slow to import, and only needed here

    if not NAME.fullmatch(name) or name not in names():
        raise NotFound(f"there is no demo {name!r}; `netlab demo` lists them")
    plain = yaml.safe_load((DEMOS / f"{name}.yaml").read_text())
    return Story(
        title=plain["title"],
        steps=tuple(map(_step, plain["steps"])),
        next=tuple((line, why) for line, why in plain["next"]),
        lab=plain.get("lab", ""),
    )


def _step(plain: Mapping[str, Any]) -> Step:
    from netlab.packets.claims import Claim  # noqa: PLC0415 - needed for a story, and not for the help

    return Step(**{**plain, "expect": tuple(Claim(**claim) for claim in plain.get("expect", ()))})
