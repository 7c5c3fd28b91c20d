"""What of kubectl's and netlab's output is compared: all but what differs by nature, which becomes a word in capitals.

Ages, times, addresses, uids and random suffixes differ from run to run; widths of columns follow from them. The name of the
program differs, the machine, and the quotes of a YAML string. kubectl records in an annotation what it applied, and the server counts
versions of objects: netlab has neither. kubectl's Kubernetes library sometimes logs that a watch ended.
Of a diff, the lines that stay are left out: they are the whole object.
"""

from __future__ import annotations

import re

ONCE = (
    (r"(?m)^[EWI]\d{4} \d\d:\d\d:\d\d\..*\n", ""),
    (r"(?m)^( *)annotations:\n +kubectl\.kubernetes\.io/last-applied-configuration: \|\n.*\n", ""),
    (r'(?m)^ *"annotations": \{\n *"kubectl\.kubernetes\.io/last-applied-configuration": .*\n *\},\n', ""),
    (r'(?m)^[-+ ]*"?(generation|resourceVersion)"?: "?\d+"?,?\n', ""),
    (r"\b(kubectl|netlab)\b", "PROGRAM"),
    (r"(?m)^([-+ ]*[\w./-]+: )'(.*)'$", r'\1"\2"'),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}", "TIME-IN-WORDS"),
    (r"/tmp/(LIVE|MERGED)-\w+/", r"\1/"),
    (r"(?m)^((---|\+\+\+) .*)\t.*$", r"\1"),
    (r"(?m)^@@ .* @@$", "@@"),
    (r"\b(web|kube-dns|mounts)-[0-9a-z]{8,10}-[0-9a-z]{5}\b", r"\1-HASH-RANDOM"),
    (r"\b(web|kube-dns|mounts)-(?=[a-z]*[0-9])[0-9a-z]{8,10}\b", r"\1-HASH"),
    (r"(pod-template-hash[=:]) ?\w+", r"\1HASH"),
    (r"(?m)^((?:endpointslice\S*/)?(?:db|front|web|kube-dns))-[0-9a-z]{5}\b", r"\1-RANDOM"),
    (r"\b(10|172)(\.\d{1,3}){3}\b", "IP"),
    (r"(kubernetes\.io/arch=)\w+", r"\1ARCHITECTURE"),
    (r"\b(v1\.32\.0|PROGRAM-\d\S*)", "VERSION"),
    (r"(?m)  <none> {2,}\w[^:\n]* +\d+\.\d+\.\S+ +\w+://\S+", "  <none>  MACHINE"),
    (r"(?m)^(  (?:Machine ID|Boot ID|Kernel Version|OS Image|Architecture|Container Runtime Version):).*", r"\1 MACHINE"),
    (r"(?m)^( *Container ID:).*", r"\1 ID"),
    (r"(?m)^(  (?:cpu|ephemeral-storage|memory|pods):).*", r"\1 AMOUNT"),
    (r"(?<=[1-9a-zA-Z] \()\d+(?=%\))", "PART"),
    (r"(?<![\w.:-])(\d+[ydhms]){1,2}(?![\w.:-])", "AGE"),
    (r"(?<=\S)[ \t]{2,}(?=\S)", "  "),
    (r"(?m)^ {10,}(?=\S)", " " * 10),
    (r"(?m)[ \t]+$", ""),
)


def masked(text: str) -> str:
    """Return output with what differs by nature as words: `AGE`, `TIME`, `IP`, `UID`, `web-HASH-RANDOM`; columns two apart."""
    for pattern, word in ONCE:
        text = re.sub(pattern, word, text)
    return text


def changed_lines(text: str) -> str:
    """Return a unified diff without the lines that both sides have."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(" "))
