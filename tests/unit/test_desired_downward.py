"""What containers are told of their resources: an amount in whole divisors, rounded up, and the Node's where there is no limit."""

import pytest

from netlab.desired.downward import named_container, resource
from netlab.errors import NotFound
from netlab.model.container import Container, ResourceFieldSelector
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.resources import ResourceRequirements, amounts

NODE = amounts({"cpu": "2", "memory": "8Gi", "ephemeral-storage": "100Gi"})
MAIN = Container(
    name="main", image="host", command=("x",),
    resources=ResourceRequirements(limits={"cpu": "1500m", "memory": "100M"}, requests={"cpu": "250m"}),
)  # fmt: skip
POD = Pod(
    metadata=ObjectMeta(name="web"), spec=PodSpec(containers=(MAIN, Container(name="free", image="host", command=("x",))))
)


@pytest.mark.parametrize(
    ("container", "name", "divisor", "value"),
    [
        ("", "limits.cpu", "0", "2"),
        ("", "limits.cpu", "1", "2"),
        ("", "limits.cpu", "1m", "1500"),
        ("", "requests.cpu", "1", "1"),
        ("", "requests.cpu", "1m", "250"),
        ("", "limits.memory", "0", "100000000"),
        ("", "limits.memory", "1Mi", "96"),
        ("", "requests.memory", "1M", "100"),  # what is limited and not asked for is asked for to the limit
        ("", "limits.ephemeral-storage", "1Gi", "100"),
        ("", "requests.ephemeral-storage", "0", "0"),
        ("free", "limits.cpu", "0", "2"),
        ("free", "limits.memory", "1Gi", "8"),
        ("free", "requests.cpu", "1m", "0"),
    ],
)
def test_amounts(container, name, divisor, value):
    told = ResourceFieldSelector(resource=name, container_name=container, divisor=divisor)
    assert resource(named_container(POD, told, "main"), told, NODE) == value


def test_a_container_that_is_not_there():
    with pytest.raises(NotFound, match="container no not found"):
        named_container(POD, ResourceFieldSelector(resource="limits.cpu", container_name="no"))


def test_a_node_that_nobody_knows():
    with pytest.raises(NotFound, match=r"container free has no limit of cpu, and what its Node has is not known"):
        resource(POD.spec.containers[1], ResourceFieldSelector(resource="limits.cpu"), {})
