"""How a lab begins and ends in a Python program: up, down, and a `with` block that hides no error.

Source: Python language reference, with statement; PEP 678 (notes on exceptions).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from netlab.cli.words import usage
from netlab.engine.agent import agent_pid, ensure_agent
from netlab.engine.down import down, is_half_removed
from netlab.engine.report import Report
from netlab.engine.session import Memory, session
from netlab.engine.up import up
from netlab.engine.view import open_store
from netlab.errors import Conflict, KernelError, NotFound
from netlab.kernel.machine import require_root
from netlab.lab.wishes import lab_spec
from netlab.model.lab import LabSpec
from netlab.store.paths import LabPaths

TIMEOUT_S = 30.0
NAME_PREFIX = "t-"
NAME_BYTES = 4


class Life:
    """A lab by name, which is up inside a `with` block, or from `up()` to `down()`.

    Labs of different names do not see each other, so that many programs may have some at the same time.

    Args:
        nodes: how many Nodes (`node-1`, `node-2`, ...), or their names, or a LabSpec with addresses too; None: three.
        name: a DNS label of at most 20 characters; None: a free one is found.
        keep: at the end of the block the lab stays up. May be set at any time.
        attach: the lab of this name is up already; it is used as it is, and stays up.

    Raises:
        ManifestError: there cannot be a lab of this size or name.
    """

    def __init__(
        self,
        nodes: int | Sequence[str] | LabSpec | None = None,
        *,
        name: str | None = None,
        keep: bool = False,
        attach: bool = False,
    ) -> None:
        if attach and (name is None or nodes is not None):
            raise usage("attach=True takes a lab that is up as it is", "give its name, and no nodes")
        self._paths = LabPaths(name if name is not None else _free_name())
        self._memory = Memory(self._paths)
        self._spec = lab_spec(nodes)
        self._attach = attach
        self._is_mine = False
        self.keep = keep

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._is_mine or self.keep:
            return
        if error is None:
            self.down()
        else:
            self._down_after(error)

    @property
    def name(self) -> str:
        """The lab's name, for `netlab --lab NAME`."""
        return self._paths.lab

    def up(self) -> Self:
        """Make the lab and return it; if that fails, nothing of it is left.

        Raises:
            HostUnready: we are not root, or the machine lacks something.
            Conflict: a lab of this name is up, and `attach` was not asked for.
            NotFound: no lab of this name is up, and `attach` was asked for.
            KernelError: Linux refused a step, or the cluster DNS cannot be started.
        """
        require_root()
        if self._attach:
            open_store(self._paths).close()
            ensure_agent(self._paths)
            return self
        try:
            self._make()
        except BaseException as error:
            if self._is_mine:
                self._down_after(error)
            raise
        return self

    def _make(self) -> None:
        if is_half_removed(self._paths):
            down(self._paths)
        with session(self._paths, create=True, memory=self._memory) as opened:
            if opened.store.lab() is not None:
                raise Conflict(f"lab {self.name!r} is up already; give another name, none, or attach=True")
            self._is_mine = True
            report = up(opened, self._spec)
        refuse_problems(report)

    def down(self) -> None:
        """Remove everything of the lab; it may be gone already. Raises KernelError if something of it is left."""
        agent = agent_pid(self._paths)
        with contextlib.suppress(NotFound):
            down(self._paths)
        self._is_mine = False
        if agent is not None:
            with contextlib.suppress(ChildProcessError):  # somebody else's child
                os.waitpid(agent, os.WNOHANG)

    def _down_after(self, error: BaseException) -> None:
        """Remove the lab because of an error, which stays the one that is raised; what goes wrong now is said beside it."""
        try:
            self.down()
        except Exception as second:  # noqa: BLE001 - no error hides the first one
            error.add_note(f"lab {self.name} was not removed: {second}\n`netlab down --lab {self.name}` tries again")

    def _check_up(self) -> None:
        """Raise NotFound unless the lab is up; an agent that had died is started again."""
        open_store(self._paths).close()
        ensure_agent(self._paths)


def refuse_problems(report: Report) -> None:
    """Raise KernelError with what went wrong in a reconciliation, if anything did."""
    if report.problems:
        raise KernelError("\n".join(report.problems))


def _free_name() -> str:
    while True:
        name = f"{NAME_PREFIX}{secrets.token_hex(NAME_BYTES)}"
        if not LabPaths(name).state.exists():
            return name
