"""Record what the real kubectl prints: `python tests/kubectl/record.py [KUBECTL]`, in a network namespace with `lo` up.

Starts the played API server, lets kubectl apply `objects/`, and runs every command of commands.py on that state. Each
becomes a file of `recorded/`: the command line, the exit code, standard output, standard error, as kubectl wrote them.
kubectl gets an empty home and a kubeconfig of its own, and is called `kubectl` whatever its file is called.
pytest does not run this; test_like_kubectl.py reads its files.
"""

from __future__ import annotations

import copy
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from api import Server
from commands import COMMANDS

HERE = Path(__file__).parent
NO_NEWLINE = "\\ No newline at end\n"
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: played, cluster: {server: "http://127.0.0.1:%d"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: played, context: {cluster: played, user: nobody}}]
current-context: played
"""


def main(kubectl: str) -> None:
    """Write every file of `recorded/` anew, and remove those of no command."""
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "config")
        config.write_text(KUBECONFIG % server.server_address[1])
        environment = {"HOME": home, "KUBECONFIG": str(config), "PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C"}
        folder = HERE / "recorded"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        record(folder / "apply-folder.txt", kubectl, "apply -f objects", environment)
        begin = server.cluster
        for name, words in COMMANDS.items():
            server.cluster = copy.deepcopy(begin)
            record(folder / f"{name}.txt", kubectl, words, environment)
    server.shutdown()


def record(path: Path, kubectl: str, words: str, environment: dict[str, str]) -> None:
    """Run one command and write its file."""
    done = subprocess.run(
        ["kubectl", *shlex.split(words)], executable=shutil.which(kubectl), cwd=HERE, env=environment, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    parts = (f"$ kubectl {words}\nexit code {done.returncode}\n", "--- stdout\n", done.stdout, "--- stderr\n", done.stderr)
    path.write_text("".join(part if part.endswith("\n") or not part else f"{part}\n{NO_NEWLINE}" for part in parts))


if __name__ == "__main__":
    main(*sys.argv[1:] or ["kubectl"])
