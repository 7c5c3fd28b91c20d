"""What each field of a ConfigMap and of a Secret means, a sentence each.

Keys are as in `explanations_pod`.
"""

from __future__ import annotations

from netlab.model.config import ConfigMap, Secret
from netlab.model.explanations_status import Sentences

IMMUTABLE = "Whether the data may never change again; then only deleting helps, and `immutable` itself cannot be taken back."

CONFIG_SENTENCES: Sentences = {
    ConfigMap: {
        "metadata": "Name, Namespace and labels.",
        "data": "Text under keys, which are letters, digits, `-`, `_` and `.`; with binaryData 1 MiB at most.",
        "binary_data": "What is no text, in base64, under keys that `data` does not have.",
        "immutable": IMMUTABLE,
    },
    Secret: {
        "metadata": "Name, Namespace and labels.",
        "type": (
            "What it is for, never to be changed; Opaque for anything, and kubernetes.io/tls, dockerconfigjson, dockercfg,"
            " basic-auth and ssh-auth demand their keys."
        ),
        "data": "The values in base64 under keys as a ConfigMap has them; 1 MiB at most, and netlab shows them to root only.",
        "string_data": "Values as plain text, which become those of `data` and win over them; never printed again.",
        "immutable": IMMUTABLE,
    },
}
