"""The published support table is the one the program goes by."""

from __future__ import annotations

from pathlib import Path

import netlab
from netlab.model.support import support_table

PAGE = Path(netlab.__file__).parent / "docs/support.md"


def test_published_table_is_up_to_date(golden):
    golden(PAGE, support_table())


def test_it_names_what_matters():
    table = support_table()
    for field in ("spec.containers[].command[]", "spec.ports[].nodePort", "spec.replicas", "spec.podSubnet", "`stdinOnce`"):
        assert field in table
