"""What only trying shows: a child process makes namespaces, links, rules and an overlay of its own, and ends.

Nothing of it has a name, a file or a place outside the child, so when the child has ended, however it did, all of it is gone.
The child ends when we do. A try that needs a namespace is made only inside a new one: never in the machine's own.
The kernel may load modules of its own accord (bridge, veth, vxlan, nf_tables, overlay), as it would for `netlab up`.
Source: unshare(2), prctl(2) PR_SET_PDEATHSIG, mount_namespaces(7), rtnetlink(7), ip-link(8), nft(8).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from netlab.kernel import interrupts, nft, root, rtnetlink
from netlab.kernel.findings import CURES, Finding, Look, is_root, looked, missing, not_looked_at, ok, warning
from netlab.kernel.netlink import NLM_F_CREATE, NLM_F_EXCL, Message, NetlinkSocket, nested, number, text
from netlab.kernel.poddir import Bundle
from netlab.kernel.processes import wait_readable
from netlab.netstate.links import Bridge, Veth
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.nft import NftTable

DEADLINE_S: Final = 30.0

_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000
_CONTAINER_NAMESPACES: Final = {"ipc": 0x8000000, "uts": 0x4000000, "cgroup": 0x2000000, "pid": 0x20000000}
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_PR_SET_PDEATHSIG: Final = 1
_RTM_NEWLINK: Final = 16
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_VXLAN_ID = 3, 18, 1, 2, 1
_PIPE_BYTES: Final = 65536

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.unshare.argtypes = (ctypes.c_int,)


def run() -> dict[str, Finding]:
    """Return what each trial found, by its name. Only root can try; the trials of a child that dies find that out."""
    if not is_root():
        return {name: not_looked_at(name) for name in NAMES}
    me, (reader, writer) = os.getpid(), os.pipe2(os.O_CLOEXEC)
    with interrupts.held():
        child = os.fork()
        if child == 0:
            try:
                interrupts.forget()
                _be_child(me, writer)
            finally:
                os._exit(0)  # never back into our caller's code, not even by an exception
    os.close(writer)
    try:
        lines = _received(reader)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    found = {finding.name: finding for finding in (Finding(**json.loads(line)) for line in lines)}
    return {name: found.get(name) or _unfinished(name, status) for name in NAMES}


def _received(reader: int) -> list[bytes]:
    """The whole lines that come until the child ends, or the time is over."""
    deadline, received = time.monotonic() + DEADLINE_S, b""
    while wait_readable(reader, deadline - time.monotonic()) and (chunk := os.read(reader, _PIPE_BYTES)):
        received += chunk
    return received.splitlines() if received.endswith(b"\n") else received.splitlines()[:-1]


def _unfinished(name: str, status: int) -> Finding:
    why = f"was ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "ended"
    return missing(name, f"the trial {why} before it came to this", CURES["trial"])


def _be_child(parent: int, writer: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == parent:  # it was still there when the kernel was told
        for finding in _try_all():
            os.write(writer, json.dumps(asdict(finding)).encode() + b"\n")


def _try_all() -> Iterator[Finding]:
    for name, look, inside in TRIALS:
        outer = looked(name, look)
        yield outer
        for inner, try_inside in inside:
            yield looked(inner, try_inside) if outer.state == "ok" else _left_out(inner, name)


def _left_out(name: str, needed: str) -> Finding:
    return warning(name, f"not tried, because there are no {needed}", f"see {needed}")


def _network_namespaces(name: str) -> Finding:
    return _new_namespaces(name, {"net": _CLONE_NEWNET})


def _mount_namespaces(name: str) -> Finding:
    """One in which nothing that is mounted is seen anywhere else."""
    finding = _new_namespaces(name, {"mnt": _CLONE_NEWNS})
    if finding.state == "ok":
        _call(_libc.mount, None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    return finding


def _container_namespaces(name: str) -> Finding:
    return _new_namespaces(name, _CONTAINER_NAMESPACES)


def _new_namespaces(name: str, kinds: dict[str, int]) -> Finding:
    for kind, flag in kinds.items():
        try:
            _call(_libc.unshare, flag)
        except OSError as error:
            return refused_namespace(name, kind, error.errno or 0)
    return ok(name, f"can be made: {' '.join(kinds)}")


def refused_namespace(name: str, kind: str, code: int) -> Finding:
    """Decide about a kind of namespace that the kernel refused with this errno."""
    cures = {errno.EPERM: CURES["rights"], errno.ENOSPC: CURES["namespaces"].format(kind=kind)}
    return missing(name, f"the kernel refuses a {kind} namespace ({os.strerror(code)})", cures.get(code, CURES["kernel"]))


def _bridge(name: str) -> Finding:
    message = rtnetlink.add_bridge(Bridge(name=IfName("cni0"), mac="02:00:00:00:00:01", mtu=1500))
    return _new_link(name, message, missing)


def _veth(name: str) -> Finding:
    pair = Veth(
        name=IfName("veth0"), mac="02:00:00:00:00:02", mtu=1500,
        peer_netns=NetnsName(""), peer_name=IfName("eth0"), peer_mac="02:00:00:00:00:03",
    )  # fmt: skip
    here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _new_link(name, rtnetlink.add_veth(pair, 0, here), missing)
    finally:
        os.close(here)


def _vxlan(name: str) -> Finding:
    kind = text(_IFLA_INFO_KIND, "vxlan") + nested(_IFLA_INFO_DATA, number(_IFLA_VXLAN_ID, 1))
    payload = bytes(16) + text(_IFLA_IFNAME, "vxlan0") + nested(_IFLA_LINKINFO, kind)
    return _new_link(name, Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload), warning)


def _new_link(name: str, message: Message, otherwise: Callable[[str, str, str], Finding]) -> Finding:
    with NetlinkSocket() as socket:
        [code] = socket.request([message])
    if code:
        return otherwise(name, f"the kernel makes no {name} link ({os.strerror(code)})", CURES["module"].format(module=name))
    return ok(name, "a link was made")


def _nft_rules(name: str) -> Finding:
    """A Node's table, with the maps by which Services are translated; read back, it must say what was written."""
    table = service_table()
    try:
        nft.run(str(table))
    except nft.NftError as error:
        found = f"the kernel refuses the rules of a Service ({str(error).splitlines()[0]})"
        return missing(name, found, CURES["module"].format(module="-a nf_tables nft_chain_nat nft_numgen nft_reject_inet"))
    if not _reads_back(table):
        return warning(name, "nft reads the rules of a Service back in other words than netlab writes", CURES["nft"])
    return ok(name, "the rules of a Service were loaded and read back")


def _reads_back(table: NftTable) -> bool:
    try:
        return nft.observe() == table
    except (nft.NftError, ValueError):
        return False


def service_table() -> NftTable:
    """Return the table of a Node that has every kind of rule that netlab writes."""
    from netlab.desired.backends import Place, Target  # noqa: PLC0415 - only the child needs them, and `up` not at all
    from netlab.desired.frontend import Frontend, Frontends  # noqa: PLC0415
    from netlab.desired.host_ports import HostPort  # noqa: PLC0415
    from netlab.desired.packet_keys import IPV4  # noqa: PLC0415
    from netlab.desired.proxy_nodes import ProxyNode  # noqa: PLC0415
    from netlab.desired.service_chains import PodMatch  # noqa: PLC0415
    from netlab.desired.services import service_tables  # noqa: PLC0415

    pods, services, node = "10.244.0.0/16", "10.96.0.0/16", "172.18.0.2"
    here, far = Target("10.244.1.2", 8080), Target("10.244.2.2", 8080)
    web = Frontend(
        owner="default/web", kind="ClusterIP", address="10.96.0.80", protocol="tcp", port=80,
        targets=(here, far), masquerade="off-cluster",
    )  # fmt: skip
    outer = web._replace(kind="NodePort", address=node, port=30080, masquerade="always", affinity_s=10800)
    balancer = outer._replace(
        kind="LoadBalancer", address="192.0.2.1", targets=(here,), shortcut=(here, far), masquerade="never"
    )
    nobody = web._replace(address="10.96.0.81", targets=())
    own = HostPort(owner="default/a", address=node, protocol="tcp", port=8080, target=here.ip, target_port=80)
    tables = service_tables(
        Frontends((web, outer, balancer._replace(sources=("198.51.100.0/24",)), nobody), {}),
        nodes=(ProxyNode(Place("node-1"), (node,), (node,)),),
        local_ips={"node-1": {node, here.ip}},
        host_ports={"node-1": (own,)},
        pods={"node-1": {IPV4: PodMatch(f"ip saddr {pods}", f"ip saddr != {pods}")}},
        pod_subnets=(pods,),
        service_subnets=(services,),
    )
    return tables["node-1"]


def _overlay(name: str) -> Finding:
    """The root directory of `image: host`, as each container has one, on a disk in memory that only the child sees."""
    place = Path("/run")
    bundle = Bundle(place, place, "")
    _call(_libc.mount, b"none", bytes(place), b"tmpfs", 0, b"mode=700")
    (place / "skeleton").mkdir()
    (place / "target").mkdir()
    root.make_directories(bundle)
    root.make_skeleton(place / "skeleton")
    options = root.host_options(bundle, place / "skeleton")
    try:
        _call(_libc.mount, b"overlay", bytes(place / "target"), b"overlay", 0, options.encode())
    except OSError as error:
        found = f"the kernel mounts no overlay ({error.strerror})"
        return missing(name, found, CURES["module"].format(module="overlay"))
    return ok(name, "a container's root directory was mounted")


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


# A trial, and those that are made inside the namespace it leaves the child in.
TRIALS: Final[tuple[tuple[str, Look, tuple[tuple[str, Look], ...]], ...]] = (
    (
        "network-namespaces",
        _network_namespaces,
        (("bridge", _bridge), ("veth", _veth), ("vxlan", _vxlan), ("nft-rules", _nft_rules)),
    ),
    ("mount-namespaces", _mount_namespaces, (("overlay", _overlay),)),
    ("container-namespaces", _container_namespaces, ()),
)
NAMES: Final = tuple(name for outer, _, inside in TRIALS for name in (outer, *(inner for inner, _ in inside)))
