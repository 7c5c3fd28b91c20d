"""netlab: Kubernetes' network, in the open.

`from netlab import Lab` is the Python API. It is read when it is asked for: `import netlab` alone costs nothing.
 Source: PEP 562 (`__getattr__` of a module).
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as type checkers know it; `typing` is long to read, and __main__ has something to say before
if TYPE_CHECKING:
    from netlab.lab.captured import CommandFailed, Completed, TimedOut
    from netlab.lab.lab import Lab

__all__ = ["CommandFailed", "Completed", "Lab", "TimedOut"]

_HOMES = {"Lab": "lab", "CommandFailed": "captured", "Completed": "captured", "TimedOut": "captured"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"netlab.lab.{_HOMES[name]}"), name)
