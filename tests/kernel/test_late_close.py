"""A socket of nf_tables is closed by somebody else: who is taken for one, and that it is closed in the end."""

import os
import socket

import pytest

from netlab.kernel import nft
from netlab.kernel.late_close import next_descriptor, second_owner
from netlab.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE
from netlab.kernel.netns import create, delete, in_namespace, prepare_directory, run_in_thread
from tests.descriptors import open_files

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]


def netlink(protocol):
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)


@pytest.mark.parametrize(
    ("kind", "has_owner"),
    [
        pytest.param(lambda: netlink(NETLINK_NETFILTER), True, id="a socket of nf_tables"),
        pytest.param(lambda: netlink(NETLINK_ROUTE), False, id="another netlink socket"),
        pytest.param(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), False, id="another socket"),
        pytest.param(lambda: open(os.devnull, "rb"), False, id="a file"),  # noqa: SIM115 - closed below
    ],
)
def test_only_a_socket_of_nf_tables_gets_a_second_owner(kind, has_owner):
    before = open_files()
    with kind() as one:
        number = one.fileno()
        owner = second_owner(number)
        assert (owner is not None) == has_owner
    if owner is not None:
        assert (owner.family, owner.proto) == (socket.AF_NETLINK, NETLINK_NETFILTER)
        owner.close()
    assert second_owner(number) is None
    assert open_files() <= before


def test_the_next_descriptor_is_the_one_that_is_given_next():
    number = next_descriptor()
    with open(os.devnull, "rb") as file:
        assert file.fileno() == number


def test_in_the_end_it_is_closed():
    prepare_directory()
    run_in_thread(lambda: create("t7.late", lambda: None))
    before = open_files()
    try:
        for _ in range(3):
            in_namespace("t7.late", lambda: nft.run("add table inet t\nadd chain inet t c\ndelete table inet t\n"))
        assert open_files() <= before
    finally:
        delete("t7.late")
