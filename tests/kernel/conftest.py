"""What the tests of instruments look at."""

from __future__ import annotations

import pytest

from tests.cable import cable


@pytest.fixture
def pair():
    """Two namespaces and a cable."""
    with cable():
        yield
