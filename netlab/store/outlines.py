"""One Pod in outline out of the state file, for whoever asks nothing else of a lab."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from netlab.errors import NotFound
from netlab.model.outline import PodOutline, outline_in
from netlab.store.database import connect, translated

_WANTED = """
    SELECT kind, objects.body, coalesce(statuses.body, ''), facts.value
    FROM facts, objects LEFT JOIN statuses USING (uid)
    WHERE facts.name = 'lab' AND (kind, namespace, objects.name) IN (VALUES ('Pod', ?1, ?2), ('Node', '', ?2))
"""


def pod_outline(path: Path, namespace: str, name: str, *, unless_node: bool) -> PodOutline | None:
    """Return the outline of the Pod of this name, as it was wished and last reported.

    None where one has to look closer: there is no such lab or Pod, its text is damaged, a machine of the lab is or was off, or
    with `unless_node` a Node has this name.

    Raises:
        NetlabError: as `database.connect`.
    """
    try:
        connection = connect(path)
    except NotFound:
        return None
    with contextlib.closing(connection), translated(path):
        found = {kind: texts for kind, *texts in connection.execute(_WANTED, (namespace, name))}
    if "Pod" not in found or (unless_node and "Node" in found):
        return None
    body, status, lab = found["Pod"]
    try:
        return None if json.loads(lab).get("status") else outline_in(body, status)  # a Lab's status is about its machines
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # whoever decodes it says what is wrong
