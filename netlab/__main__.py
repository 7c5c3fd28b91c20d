"""The program: `netlab`, and `python -m netlab`.

Until the program can answer Ctrl-C itself, Linux does: it ends the process at once. Python would print where it was interrupted
while it read our modules.
"""

import contextlib
import gc
import os
import signal
import sys


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    gc.set_threshold(50_000)  # nearly all that a command makes, modules above all, it keeps to its end
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the shell that started us ignores it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from netlab.cli.main import run  # noqa: PLC0415 - this is what takes its time

        signal.signal(signal.SIGINT, signal.default_int_handler)
    else:
        from netlab.cli.main import run  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            if getattr(sys, name) is None:  # whoever started us has closed it
                setattr(sys, name, stack.enter_context(open(os.devnull, mode)))  # noqa: PTH123 - pathlib is slow to import
        code = run()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to do but Python's own end
        sys.exit(code)


if __name__ == "__main__":
    main()
