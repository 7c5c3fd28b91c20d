"""netlab prints what kubectl prints, and ends with the same exit code: every file of `recorded/` is a row.

A row fails with the difference between the recording (-) and netlab (+), both masked (masks.py). Where netlab is different
on purpose, the table ON_PURPOSE says how, and why; and netlab's errors may go on behind kubectl's words and name a cure.
README.md says how the recordings were made.
"""

from __future__ import annotations

import difflib
import itertools
import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.kubectl.masks import changed_lines, masked

RECORDED = Path(__file__).parent / "recorded"
READING = {"get", "describe", "events", "api-resources", "logs", "exec", "diff", "wait", "frobnicate"}
CHANGING_NODES = {"taint", "cordon", "uncordon"}  # a refused one changes nothing, and needs no lab of its own
FILE = re.compile(r"\$ kubectl ([^\n]*)\nexit code (\d+)\n--- stdout\n(.*)--- stderr\n(.*)", re.DOTALL)
STDERR = "--- stderr\n"
CURE = r"(; .+| \(.+\))"
NO_NEWLINE = "\\ No newline at end\n"


@dataclass(frozen=True)
class Recording:
    """One file: what was typed behind `kubectl`, and what came of it in one text, masked."""

    name: str
    words: tuple[str, ...]
    text: str

    @property
    def reads(self) -> bool:
        is_refused = self.words[0] in CHANGING_NODES and not self.text.startswith("exit code 0")
        return self.words[0] in READING or is_refused


@dataclass(frozen=True)
class OnPurpose:
    """A part of kubectl's text (a pattern) that stands otherwise in netlab's, and why."""

    names: str
    kubectl: str
    netlab: str
    why: str


OWN_COLUMN = "netlab shows what is a Node's own: the subnet of its Pods"
NO_LEASE = "a Node reports by being there: there is no Lease that it would renew"
NOTHING_SAID = "fields that ask for nothing, which Go's encoder prints all the same"
NO_PROGRAM = "image host has no program of its own that could be given arguments"
DEFAULT_SAID = "a field that has its default value is not printed"
NO_GENERATION = "kubectl's first difference is the object's generation, which netlab does not count"
NO_KUSTOMIZE = "there are no kustomizations, and so no -k"
IMAGE_HOST = "--image is host if nobody says it; what is missing is the command, because image host has none of its own"
NOBODY = "kubectl leaves the place empty if there is a slice and nobody in it"
NO_TEMPLATES = "there are no Go templates"
ON_PURPOSE = (
    OnPurpose("api-resources", r"endpointslices  discovery", "endpointslices  eps  discovery", "eps is netlab's short name"),
    OnPurpose("get-nodes-wide", r"  CONTAINER-RUNTIME", "  CONTAINER-RUNTIME  POD-CIDR", OWN_COLUMN),
    OnPurpose("get-nodes-wide", r"(?m)  MACHINE$", "  MACHINE  IP/24", OWN_COLUMN),
    OnPurpose("taint-dry-run", r" tainted", " tainted (dry run)", "netlab says of every dry run that it is one"),
    OnPurpose(
        "*-dry-run*", r"(?m)^ *(creationTimestamp: null|resources: \{\}|status: \{\}|strategy: \{\})\n", "", NOTHING_SAID
    ),
    OnPurpose("*-dry-run*", r"(?m)^status:\n  loadBalancer: \{\}\n", "", NOTHING_SAID),
    OnPurpose(
        "*-dry-run*", r"(?m)^ *(dnsPolicy: ClusterFirst|restartPolicy: Always|protocol: TCP|replicas: 1)\n", "", DEFAULT_SAID
    ),
    OnPurpose("diff-configmap", r"@@\n@@\n", "@@\n", NO_GENERATION),
    OnPurpose("apply-without-file", r"must specify one of -f and -k", "must specify -f FILE, -f DIR or -f -", NO_KUSTOMIZE),
    OnPurpose(
        "run-without-image", r'required flag\(s\) "image" not set', "pod/probe spec.containers[0].command: required", IMAGE_HOST
    ),
    OnPurpose(
        "get-unknown-output", r"go-template,go-template-file,|jsonpath-as-json,|template,templatefile,", "", NO_TEMPLATES
    ),
    OnPurpose("create-namespace-dry-run", r"spec: \{\}\n", "status:\n  phase: Active\n", "a Namespace has a phase at once"),
    OnPurpose(
        "create-job-without-image",
        r"either --image or --from must be specified",
        "job/fresh spec.template.spec.containers[0].command: required",
        IMAGE_HOST,
    ),
    OnPurpose("create-job-*", r"(?m)^  template:\n    metadata:\n", "  template:\n", NOTHING_SAID),
    OnPurpose("run-dry-run", r"  - args:", "  - command:", NO_PROGRAM),
    OnPurpose("describe-service-kubernetes", r"(?m)^Endpoints:$", "Endpoints:  <none>", NOBODY),
    OnPurpose("describe-node", r"(?m)^Lease:\n(  .*\n)+", "", NO_LEASE),
)

# What netlab says beside kubectl's text: what the object is made of in Linux.
OURS = (("describe-*", r"(?m)^(Rules|Network Namespace):.*\n(  .*\n)*"),)


def read(path: Path) -> Recording:
    """Return one file of `recorded/`."""
    found = FILE.fullmatch(path.read_text())
    assert found, f"{path} is not as record.py writes it"
    words = tuple(shlex.split(found[1]))
    text = comparable(int(found[2]), found[3], found[4], words)
    for row in ON_PURPOSE:
        if fnmatch(path.stem, row.names):
            text = re.sub(row.kubectl, row.netlab, text)
    return Recording(path.stem, words, text)


def comparable(code: int, out: str, err: str, words: tuple[str, ...]) -> str:
    """Return an outcome as one masked text."""
    if words[0] == "diff":
        out = changed_lines(out)
    out, err = (text if text.endswith("\n") or not text else f"{text}\n{NO_NEWLINE}" for text in (out, err))
    return f"exit code {code}\n--- stdout\n{masked(out)}{STDERR}{masked(err)}"


def without_cures(text: str, recorded: str) -> str:
    """Return netlab's text without what stands in a line behind the recorded one: `; do this` or ` (do this)`."""
    head, _, errors = text.partition(STDERR)
    wanted = recorded.partition(STDERR)[2].splitlines()
    lines = list(itertools.zip_longest(errors.splitlines(), wanted))
    cured = [want if want and re.fullmatch(re.escape(want) + CURE, line or "") else line for line, want in lines]
    return head + STDERR + "".join(f"{line}\n" for line in cured if line is not None)


@pytest.mark.parametrize("recording", [pytest.param(read(path), id=path.stem) for path in sorted(RECORDED.glob("*.txt"))])
def test_netlab_prints_what_kubectl_printed(recording, netlab_run):
    done = netlab_run(*recording.words)
    text = without_cures(comparable(done.code, done.out, done.err, recording.words), recording.text)
    for names, pattern in OURS:
        if fnmatch(recording.name, names):
            text = re.sub(pattern, "", text)
    if text != recording.text:
        lines = difflib.unified_diff(recording.text.splitlines(), text.splitlines(), "kubectl", "netlab", n=99, lineterm="")
        pytest.fail(f"{shlex.join(recording.words)}\n" + "\n".join(lines), pytrace=False)
