"""Who has written too much to the disk, in the kubelet's words, and who is measured at all."""

from dataclasses import replace

import pytest

from netlab.desired.disk_evictions import limited_pods, overfull
from netlab.model.container import Container
from netlab.model.resources import ResourceRequirements
from netlab.model.volume import EmptyDirVolume, Volume
from netlab.netstate.volume import DiskUsage
from tests.conftest import pod

MIB = 1 << 20
CONTAINER = Container(name="a", image="host", command=("true",))


def writer(*limits, size="", medium=""):
    """A Pod whose containers a, b ... have these limits, and whose volume `v` has this size."""
    containers = tuple(
        replace(CONTAINER, name=name, resources=ResourceRequirements(limits={"ephemeral-storage": limit} if limit else {}))
        for name, limit in zip("abc", limits or ("",), strict=False)
    )
    volume = Volume(name="v", empty_dir=EmptyDirVolume(size_limit=size, medium=medium))
    found = pod("web")
    return replace(found, spec=replace(found.spec, containers=containers, volumes=(volume,)))


@pytest.mark.parametrize(
    ("item", "volume", "containers", "message"),
    [
        pytest.param(writer(size="1Mi"), MIB, {"a": 9 * MIB}, "", id="a volume that is just full"),
        pytest.param(
            writer(size="1Mi"), MIB + 1, {}, 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ', id="and a byte more"
        ),
        pytest.param(writer(size="0"), 9 * MIB, {}, "", id="0 is no limit"),
        pytest.param(writer("2Mi"), 0, {"a": 2 * MIB}, "", id="a container at its limit"),
        pytest.param(
            writer("2Mi", ""), MIB, {"a": 2 * MIB},
            "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ", id="volumes count for the Pod",
        ),
        pytest.param(
            writer("2Mi", "5M"), 0, {"a": 3 * MIB, "b": 0}, 'Container a exceeded its local ephemeral storage limit "2Mi". ',
            id="one container of two",
        ),
        pytest.param(
            writer("2Mi", "5M"), 0, {"a": 2 * MIB, "b": 6 * MIB},
            "Pod ephemeral local storage usage exceeds the total limit of containers 7097152. ", id="the Pod comes before it",
        ),
        pytest.param(writer("2Mi", size="1Mi"), 2 * MIB, {"a": 9 * MIB}, 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ', id="and a volume first"),
    ],
)  # fmt: skip
def test_who_is_evicted_and_why(item, volume, containers, message):
    assert overfull(item, DiskUsage(volumes={"v": volume}, containers=containers)) == message


@pytest.mark.parametrize(
    ("item", "is_measured"),
    [
        pytest.param(writer(), False, id="no limit"),
        pytest.param(writer(size="0"), False, id="0 is none"),
        pytest.param(writer(size="1Mi"), True, id="a volume"),
        pytest.param(writer(size="1Mi", medium="Memory"), False, id="one in memory is full by itself"),
        pytest.param(writer("", "1Gi"), True, id="a container"),
        pytest.param(replace(writer("1Gi"), status=replace(writer().status, phase="Failed")), False, id="one that has ended"),
        pytest.param(replace(writer("1Gi"), metadata=pod("x", deleting=True).metadata), False, id="one that is to go"),
    ],
)
def test_only_pods_with_limits_that_are_to_run_are_measured(item, is_measured):
    assert limited_pods([item]) == ((item,) if is_measured else ())
