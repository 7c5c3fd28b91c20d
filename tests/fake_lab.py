"""A lab on Fakes and on a clock of its own, for tests of the whole engine: no root, no waiting, the store real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netlab.engine import up as up_module
from netlab.engine.apply import apply, delete
from netlab.engine.reconcile import reconcile
from netlab.engine.session import Session
from netlab.kernel.fake import FakeNetwork
from netlab.kernel.fake_images import FakeImages
from netlab.kernel.fake_runtime import FakeRuntime
from netlab.model.container import Container
from netlab.model.lifecycle import status_word
from netlab.model.meta import Key, LabelSelector, ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.service import Service, ServicePort, ServiceSpec
from netlab.model.workload import Deployment, DeploymentSpec, PodTemplateSpec, TemplateMeta
from netlab.store.events import events
from netlab.store.paths import LabPaths
from netlab.store.store import Store

START = 1_700_000_000.0


@dataclass
class Bench:
    """A lab on Fakes. `after(seconds)` moves the clock and reconciles."""

    session: Session
    network: FakeNetwork
    runtime: FakeRuntime
    time: list[float]

    def after(self, seconds: float = 0.0):
        self.time[0] += seconds
        return reconcile(self.session)

    def apply(self, *objects):
        verdicts = [applied.verdict for applied in apply(self.session, objects)]
        self.after()
        return verdicts

    def delete(self, *keys, grace_s=None):
        result = delete(self.session, keys, grace_s=grace_s)
        self.after()
        return result

    def pod(self, name: str) -> Pod:
        return self.session.store.cluster().objects[Key("Pod", "default", name)]

    def word(self, name: str) -> str:
        return status_word(self.pod(name))

    def names(self, kind: str = "Pod") -> list[str]:
        return [
            key.name for key in sorted(self.session.store.cluster().objects) if key.kind == kind and key.namespace == "default"
        ]

    def exits(self, name: str, code: int, container: str = "main"):
        self.runtime.exits(self.pod(name).metadata.uid, container, code)

    def endpoints(self) -> set[str]:
        """What the map of single endpoints of the first Node leads to."""
        table = self.network.observe(self.session.scope()).by_name[f"{self.session.paths.lab}.node-1"].table
        return {
            item.value
            for found in table.sets
            if found.name.startswith("endpoints-")
            for item in found.elements
            if "53" not in item.value
        }

    def reasons(self) -> list[str]:
        return [event.reason for event in events(self.session.store)]


@contextmanager
def fake_lab() -> Iterator[Bench]:
    """A lab of three Nodes that is up, with its files where STATE_ROOT points."""
    paths = LabPaths("fake")
    paths.state.mkdir(parents=True)
    time = [START]
    clock = lambda: time[0]  # noqa: E731
    store, network, runtime = Store(paths.store, clock, create=True), FakeNetwork(), FakeRuntime(clock)
    session = Session(paths=paths, store=store, network=network, runtime=runtime, images=FakeImages(clock), clock=clock)
    up_module.up(session)
    yield Bench(session, network, runtime, time)
    store.close()


def a_pod(name="web", *, policy="Always", labels=None, command="run", containers=("main",), grace=30, **spec) -> Pod:
    items = tuple(Container(name=item, image="host", command=(command,)) for item in containers)
    return Pod(
        metadata=ObjectMeta(name=name, namespace="default", labels=labels or {}),
        spec=PodSpec(containers=items, restart_policy=policy, termination_grace_period_seconds=grace, **spec),
    )


def a_deployment(replicas: int) -> Deployment:
    template = PodTemplateSpec(metadata=TemplateMeta(labels={"app": "x"}), spec=a_pod().spec)
    selector = LabelSelector(match_labels={"app": "x"})
    spec = DeploymentSpec(selector=selector, template=template, replicas=replicas)
    return Deployment(metadata=ObjectMeta(name="x", namespace="default"), spec=spec)


SERVICE = Service(
    metadata=ObjectMeta(name="s", namespace="default"), spec=ServiceSpec(selector={"app": "x"}, ports=(ServicePort(port=80),))
)
