"""Labs for pytest: a fixture with a fresh lab for each test, and what the lab looked like beside each failure.

    @pytest.mark.netlab(nodes=2, manifests=["guestbook.yaml"])
    def test_frontend_is_served(netlab):
        page = netlab.outside.exec("curl", "-s", f"http://{netlab.node('node-2').ip}:30080/").stdout
        assert "Guestbook" in page

    @pytest.fixture(scope="module")
    def shop(netlab_factory):
        with netlab_factory(nodes=3) as lab:
            lab.apply("shop.yaml", wait_s=30)
            yield lab

Each lab has a name of its own, so tests may run in several processes at the same time. Behind a test, passed, failed or
interrupted by Ctrl-C, nothing of its lab is left; `--netlab-keep` leaves labs of failed tests up and says how to look at them.
On a machine that cannot have labs the test fails with the reason; nothing is skipped silently.
Source: pytest documentation, writing hook functions.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

if TYPE_CHECKING:
    from netlab.lab.lab import Lab
    from netlab.lab.wishes import Source
    from netlab.model.lab import LabSpec

MARKER = (
    "netlab(nodes=1, manifests=(), ready_s=30): the lab of the fixture `netlab`: how many Nodes, or their names; what is"
    " applied, relative to the test's file; how many seconds its Pods may take to be ready."
)
READY_S = 30.0
SHOWN_EVENTS = 20
BY_HAND = """to look at it by hand:
  netlab get pods -A -o wide --lab {lab}
  netlab exec --lab {lab} {node} -- nft list table inet netlab
  netlab down --lab {lab}"""


class Watched(Protocol):
    """What the fixture `netlab_factory` gives: for `with`, and the lab is up inside the block."""

    def __call__(self, nodes: int | Sequence[str] | LabSpec = 1) -> AbstractContextManager[Lab]:
        """Return the lab, not made yet."""


@dataclass
class _Labs:
    """The labs of this run that are up, and what there is to say about those of a test that just failed."""

    live: list[Lab] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


LABS = pytest.StashKey[_Labs]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--netlab-keep`."""
    group = parser.getgroup("netlab", "labs of netlab")
    group.addoption(
        "--netlab-keep", action="store_true", help="Leave the labs of failed tests up, and say how to look at them."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)
    config.stash[LABS] = _Labs()


@pytest.fixture
def netlab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab for this test alone: one Node, unless the marker `netlab` says more."""
    mark = request.node.get_closest_marker("netlab")
    wish = _wish(mark) if mark else _Wish()
    with _watched(request.config, wish.nodes) as lab:
        for source in wish.manifests:
            lab.apply(source, base=request.path.parent)
        if wish.manifests:
            lab.wait_ready(wish.ready_s)
        yield lab


@pytest.fixture(scope="session")
def netlab_factory(request: pytest.FixtureRequest) -> Watched:
    """Makes labs for fixtures of a wider scope; each is up inside its `with` block."""

    def make(nodes: int | Sequence[str] | LabSpec = 1) -> AbstractContextManager[Lab]:
        return _watched(request.config, nodes)

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failure how the test's labs look, and keep them if that was asked for."""
    report = yield
    labs = item.config.stash[LABS]
    if report.failed and report.when == "call" and {"netlab", "netlab_factory"} & set(getattr(item, "fixturenames", ())):
        for lab in labs.live:
            _tell(item.config, lab)
    if report.failed:
        report.sections += [("netlab", text) for text in labs.texts]
        labs.texts.clear()
    return report


class _Wish(NamedTuple):
    """What a marker asks for."""

    nodes: int | Sequence[str] | LabSpec = 1
    manifests: Sequence[Source] = ()
    ready_s: float = READY_S


def _wish(mark: pytest.Mark) -> _Wish:
    try:
        return _Wish(*mark.args, **mark.kwargs)
    except TypeError as error:
        pytest.fail(f"@pytest.mark.netlab: {error}\n{MARKER}", pytrace=False)


@contextmanager
def _watched(config: pytest.Config, nodes: int | Sequence[str] | LabSpec) -> Iterator[Lab]:
    """A lab that is up inside the block; an error in the block is told about as a failed test is."""
    from netlab.errors import HostUnready  # noqa: PLC0415 - a run without labs does not pay for it
    from netlab.lab.lab import Lab  # noqa: PLC0415

    labs = config.stash[LABS]
    with ExitStack() as stack:
        try:
            lab = stack.enter_context(Lab(nodes))
        except HostUnready as error:
            pytest.fail(str(error), pytrace=False)
        labs.live.append(lab)
        try:
            yield lab
        except Exception:
            _tell(config, lab)
            raise
        finally:
            labs.live.remove(lab)


def _tell(config: pytest.Config, lab: Lab) -> None:
    """Note how a lab looks, for the report of a failure. A lab that cannot be looked at hides no failure."""
    lab.keep = lab.keep or bool(config.getoption("--netlab-keep"))
    try:
        text = _look(lab)
    except Exception as error:  # noqa: BLE001 - the test's own error is the one that matters
        text = f"lab {lab.name} cannot be looked at: {error}"
    config.stash[LABS].texts.append(text)


def _look(lab: Lab) -> str:
    """The lab's name, its Pods, its newest events; with `keep` the commands to go on with."""
    from netlab.cli.events import event_table  # noqa: PLC0415
    from netlab.cli.table import table  # noqa: PLC0415 - a run without failures does not pay for it

    now, nodes = time.time(), lab.get("nodes")
    lines = [f"lab {lab.name}: {', '.join(node.metadata.name for node in nodes)}"]
    lines += ["", table("Pod", lab.get("pods", namespace=None), now, wide=True, namespaced=True)]
    if found := lab.events()[-SHOWN_EVENTS:]:
        lines += ["", event_table(found, now, namespaced=True)]
    if lab.keep:
        lines += ["", f"lab {lab.name} is left up (--netlab-keep); {BY_HAND.format(lab=lab.name, node=nodes[0].metadata.name)}"]
    return "\n".join(lines)
