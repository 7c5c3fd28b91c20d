"""What the tests of the kernel room look at: a namespace of each module's own, and a cable between two."""

from __future__ import annotations

import pytest

from netlab.kernel import netns
from tests.cable import cable


@pytest.fixture(scope="module")
def inside(request):
    """Runs a function inside a namespace made for this module."""
    name = f"inside.{request.module.__name__.rpartition('.')[2].removeprefix('test_').replace('_', '-')}"
    netns.prepare_directory()
    netns.run_in_thread(lambda: netns.create(name, lambda: None))
    yield lambda function: netns.in_namespace(name, function)
    netns.delete(name)


@pytest.fixture
def pair():
    """Two namespaces and a cable."""
    with cable():
        yield
