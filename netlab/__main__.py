"""The program: `netlab`, and `python -m netlab`.

Until the program can answer Ctrl-C itself, Linux does: it ends the process at once. Python would print where it was interrupted
while it read our modules. The verb's own modules are the last ones: `cli.main` then lets Python hear it.
"""

import gc

gc.set_threshold(200_000)  # first of all: nearly all that a command makes, modules above all, it keeps to its end

import contextlib
import os
import signal
import sys
from typing import NoReturn

from netlab.late import stand_in


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the shell that started us ignores it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    stand_in()
    from netlab.cli.main import run  # noqa: PLC0415 - this is what takes its time

    with contextlib.ExitStack() as stack:
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            if getattr(sys, name) is None:  # whoever started us has closed it
                setattr(sys, name, stack.enter_context(open(os.devnull, mode)))  # noqa: PTH123 - pathlib is slow to import
        code = run()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to do but Python's own end
        _leave(code)


def _leave(code: int) -> NoReturn:
    """End without taking apart thousands of objects first, which takes Python 8 ms; a stream that is full is its to report."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    main()
