"""The surveyor: what it notes, that it wakes the agent for it, and that one Pod's trouble is not another's."""

from dataclasses import replace

from netlab.agent.surveyor import Surveyor
from netlab.errors import KernelError
from netlab.model.volume import EmptyDirVolume, Volume
from netlab.netstate.volume import DiskUsage
from tests.conftest import pod

LIMITED = Volume(name="v", empty_dir=EmptyDirVolume(size_limit="10"))


class Disk:
    """Bytes in volume `v` by Pod uid; a Pod that is missing cannot be measured."""

    def __init__(self, **sizes):
        self.sizes, self.noted = sizes, []

    def disk_usage(self, uid):
        if uid not in self.sizes:
            raise KernelError(f"{uid}: gone")
        return DiskUsage(volumes={"v": self.sizes[uid]}, containers={})

    def note_eviction(self, uid, message):
        self.noted.append((uid, message))


def limited(name):
    found = pod(name)
    return replace(found, metadata=replace(found.metadata, uid=name), spec=replace(found.spec, volumes=(LIMITED,)))


def test_a_full_volume_is_noted_and_the_agent_woken_whatever_becomes_of_other_pods():
    disk, woken, said = Disk(small=1, big=11), [], []
    surveyor = Surveyor(disk, lambda: woken.append(True), said.append)
    surveyor._pods = tuple(map(limited, ("gone", "small", "big")))  # watch() would begin a thread
    surveyor.survey()
    assert disk.noted == [("big", 'Usage of EmptyDir volume "v" exceeds the limit "10". ')]
    assert woken == [True]
    assert said == ["error: gone: gone"]
