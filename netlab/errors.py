"""Everything that can go wrong, as one tree; each leaf knows its exit code.

    NetlabError ............ 1  anything else a user can understand and cure
     |- ManifestError ...... 2  the input is wrong; holds *all* problems (1 if they are on the command line, as in kubectl)
     |- NotFound ........... 1  the named object does not exist
     |- MountFailure ....... 1  a volume of a Pod cannot be set up; the Pod waits until it can
     |- Conflict ........... 1  the wish contradicts another object or a range
     |- PoolExhausted ...... 1  no address or port is left
     |- KernelError ........ 3  Linux refused a step; names step, namespace and reason
     `- HostUnready ........ 4  the machine lacks something; names the cure

A library's own exceptions are translated once, in the room that calls the library. A traceback is always a bug.
"""

from __future__ import annotations

from netlab.frozen import dataclass

USAGE, CONTENT = 1, 2


class NetlabError(Exception):
    """Base of every error with a message for the user. `origin` stands before it when it is printed."""

    exit_code = 1

    def __init__(self, message: str = "", *, origin: str = "error") -> None:
        self.origin = origin
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong with the input, at one place.

    `path` is the field path in kubectl's spelling (`spec.ports[0].port`); `line` is 1-based, 0 if unknown; `file` is empty for
    what stood on the command line.
    """

    file: str
    line: int
    object: str
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        subject = " ".join(part for part in (self.object, self.path) if part)
        text = ": ".join(part for part in (where, subject, self.message) if part)
        return f"{text} ({self.hint})" if self.hint else text

    @property
    def is_usage(self) -> bool:
        """Tell whether the fault is on the command line: there is no file."""
        return not self.line and not self.file


class ManifestError(NetlabError):
    """The input is wrong; `problems` lists every finding, in the order of the files."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        self.exit_code = USAGE if all(problem.is_usage for problem in problems) else CONTENT
        super().__init__("\n".join(str(problem) for problem in problems))


class NotFound(NetlabError):
    """The named object, container, Node or lab does not exist."""


class MountFailure(NetlabError):
    """A volume of a Pod cannot be set up, in the kubelet's words: the Pod waits until it can."""


class Conflict(NetlabError):
    """The wish contradicts another object, a range, or a lab that is already there."""


class PoolExhausted(NetlabError):
    """No address or port of the pool is free."""


class KernelError(NetlabError):
    """Linux refused a step. The message names the step, the namespace and the reason."""

    exit_code = 3


class HostUnready(NetlabError):
    """The machine lacks something netlab needs. The message names the cure."""

    exit_code = 4
