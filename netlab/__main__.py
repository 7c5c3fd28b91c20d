"""The program: `netlab`, and `python -m netlab`.

Until the program can answer Ctrl-C itself, Linux does: it ends the process at once. Python would print where it was interrupted
while it read our modules.
"""

import signal
import sys


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the shell that started us ignores it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from netlab.cli.main import run  # noqa: PLC0415 - this is what takes its time

        signal.signal(signal.SIGINT, signal.default_int_handler)
    else:
        from netlab.cli.main import run  # noqa: PLC0415

    sys.exit(run())


if __name__ == "__main__":
    main()
