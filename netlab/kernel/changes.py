"""Steps done to Linux, batch by batch: the hands of LinuxNetwork.apply. A batch holds steps of one kind.

Each step may have been done before (by a run that crashed): EEXIST of the same thing and ENOENT of a thing to be deleted
are done. A batch is grouped by namespace, so each is entered once and gets all of its requests in one message.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from netlab.errors import KernelError
from netlab.kernel import iptables, netns, nft, rtneighbours, rtnetlink, rtroutes, sysctl, table_changes, wiring
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.namespaces import OpenNamespace, OpenNamespaces
from netlab.kernel.netlink import Message, NetlinkSocket
from netlab.netstate.names import IfName, NetnsName
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddLink,
    AddRoute,
    ApplyIptables,
    ApplyNft,
    CreateNamespace,
    DeleteAddress,
    DeleteEntry,
    DeleteLink,
    DeleteNamespace,
    DeleteRoute,
    SetMtu,
    SetSysctl,
    Step,
)

# Pairs made by one message: all their namespaces are open at the same time (namespaces.OPEN_AT_ONCE).
_LINKS_AT_ONCE: Final = 64
# A new namespace costs the kernel 1 ms, which two processors can share; ten thousand Services take a second for each Node.
_CREATORS: Final = 2
_WRITERS: Final = 4
_ALREADY_GONE: Final = frozenset({errno.ENODEV, errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL})

SomeStep = TypeVar("SomeStep", bound=Step)


def do(namespaces: OpenNamespaces, rules: KnownRules, steps: Sequence[Step]) -> None:
    """Do `steps`, all of the kind of the first, and tell `rules`. Raises KernelError: `step: namespace: reason`."""
    match steps[0]:
        case CreateNamespace():
            netns.prepare_directory()
            _side_by_side(namespaces, _of(CreateNamespace, steps), _create_namespace, _CREATORS)
        case DeleteNamespace():
            _one_by_one(_of(DeleteNamespace, steps), lambda step: _delete_namespace(namespaces, step))
        case ApplyNft():
            scripts = _of(ApplyNft, steps)
            writers = _WRITERS if any(table_changes.is_large(step.change) for step in scripts) else 1
            _side_by_side(namespaces, scripts, lambda own, step: _apply_nft(own, rules, step), writers)
        case ApplyIptables():
            _side_by_side(namespaces, _of(ApplyIptables, steps), lambda own, step: _apply_iptables(own, rules, step), _WRITERS)
        case SetSysctl():
            _by_namespace(namespaces, _of(SetSysctl, steps), _set_sysctls)
        case AddLink():
            _by_namespace(namespaces, _of(AddLink, steps), _add_links)
        case DeleteLink():
            _by_namespace(namespaces, _of(DeleteLink, steps), _delete_links, missing_is_done=True)
        case SetMtu():
            _by_namespace(namespaces, _of(SetMtu, steps), _set_mtus)
        case AddAddress():
            _by_namespace(namespaces, _of(AddAddress, steps), _add_addresses)
        case DeleteAddress():
            _by_namespace(namespaces, _of(DeleteAddress, steps), _delete_addresses, missing_is_done=True)
        case AddEntry():
            _by_namespace(namespaces, _of(AddEntry, steps), _add_entries)
        case DeleteEntry():
            _by_namespace(namespaces, _of(DeleteEntry, steps), _delete_entries, missing_is_done=True)
        case AddRoute():
            _by_namespace(namespaces, _of(AddRoute, steps), _add_routes)
        case DeleteRoute():
            _by_namespace(namespaces, _of(DeleteRoute, steps), _delete_routes, missing_is_done=True)


def reason(error: Exception) -> str:
    """Return why, in words: the kernel's for an errno."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


Failures = Sequence[Exception | None]
Handler = Callable[[OpenNamespaces, OpenNamespace, Sequence[SomeStep]], Failures]


def _of(kind: type[SomeStep], steps: Sequence[Step]) -> list[SomeStep]:
    return [step for step in steps if isinstance(step, kind)]


def _refused(step: Step, error: Exception) -> KernelError:
    """The first line of the step's command is enough: an nft script has hundreds, and nft's answer quotes the one meant."""
    return KernelError(f"{step.command.splitlines()[0]}: {step.netns}: {reason(error)}")


def _one_by_one(steps: Sequence[SomeStep], work: Callable[[SomeStep], None]) -> None:
    for step in steps:
        try:
            work(step)
        except (KernelError, OSError, nft.NftError, iptables.IptablesError) as error:
            raise _refused(step, error) from error


def _by_namespace(
    namespaces: OpenNamespaces, steps: Sequence[SomeStep], handler: Handler[SomeStep], *, missing_is_done: bool = False
) -> None:
    """Give each namespace its steps in portions; raise for the first one that failed."""
    groups: dict[NetnsName, list[SomeStep]] = {}
    for step in steps:
        groups.setdefault(step.netns, []).append(step)
    for name, group in groups.items():
        for start in range(0, len(group), _LINKS_AT_ONCE):
            portion = group[start : start + _LINKS_AT_ONCE]
            try:
                namespace = namespaces.find(name) if missing_is_done else namespaces.get(name)
                failures = handler(namespaces, namespace, portion) if namespace else ()
            except (KernelError, OSError) as error:
                raise _refused(portion[0], error) from error
            for step, failure in zip(portion, failures, strict=False):
                if failure is not None:
                    raise _refused(step, failure) from failure


def _side_by_side(
    namespaces: OpenNamespaces, steps: Sequence[SomeStep], work: Callable[[OpenNamespaces, SomeStep], None], threads: int
) -> None:
    """Do steps in so many threads at most. Those of one namespace stay in one thread, in their order."""
    groups: dict[NetnsName, list[SomeStep]] = {}
    for step in steps:
        groups.setdefault(step.netns, []).append(step)
    shares = [list(groups.values())[start::threads] for start in range(min(threads, len(groups)))]
    if len(shares) == 1:
        _one_by_one(steps, lambda step: work(namespaces, step))
        return

    def worker(share: Sequence[Sequence[SomeStep]]) -> Callable[[], None]:
        def do_all() -> None:
            with OpenNamespaces(namespaces.scope) as own:
                for group in share:
                    _one_by_one(group, lambda step: work(own, step))

        return do_all

    netns.run_in_threads([worker(share) for share in shares])


def _create_namespace(namespaces: OpenNamespaces, step: CreateNamespace) -> None:
    if step.alias != namespaces.mark:
        raise KernelError(f"the mark {step.alias!r} is not this lab's")
    found = namespaces.find(step.netns)
    if found is not None:
        _furnish(found.netlink, step.alias)
        return

    def furnish() -> None:
        with NetlinkSocket() as netlink:
            _furnish(netlink, step.alias)

    netns.create(step.netns, furnish)


def _furnish(netlink: NetlinkSocket, alias: str) -> None:
    [code] = netlink.request([rtnetlink.mark_link("lo", alias)])
    if code:
        raise OSError(code, os.strerror(code))


def _delete_namespace(namespaces: OpenNamespaces, step: DeleteNamespace) -> None:
    namespaces.find(step.netns)  # raises if it is somebody else's
    namespaces.forget(step.netns)
    netns.delete(step.netns)


def _apply_nft(namespaces: OpenNamespaces, rules: KnownRules, step: ApplyNft) -> None:
    namespaces.get(step.netns).enter()
    rules.apply(step)


def _apply_iptables(namespaces: OpenNamespaces, rules: KnownRules, step: ApplyIptables) -> None:
    namespaces.get(step.netns).enter()
    rules.iptables.apply(step)


def _set_sysctls(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[SetSysctl]) -> Failures:
    namespace.enter()
    return [_failure(lambda step=step: sysctl.write(step.sysctl)) for step in steps]  # type: ignore[misc]


def _failure(work: Callable[[], None]) -> Exception | None:
    try:
        work()
    except (KernelError, OSError) as error:
        return error
    return None


def _add_links(namespaces: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[AddLink]) -> Failures:
    return wiring.add_links(namespaces, namespace, [step.link for step in steps])


def _delete_links(namespaces: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[DeleteLink]) -> Failures:
    return wiring.delete_links(namespaces, namespace, [step.name for step in steps])


def _set_mtus(namespaces: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[SetMtu]) -> Failures:
    return wiring.set_mtus(namespaces, namespace, [(step.name, step.mtu) for step in steps])


def _add_addresses(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[AddAddress]) -> Failures:
    indexes = _indexes(namespace, {step.address.dev for step in steps})
    failures = _requests(
        namespace,
        [(indexes[step.address.dev], rtnetlink.add_address(step.address, indexes[step.address.dev] or 0)) for step in steps],
    )
    return [
        _failure(lambda step=step: _replace_address(namespace, step, indexes)) if code == errno.EEXIST else _error(code)  # type: ignore[misc]
        for step, code in zip(steps, failures, strict=True)
    ]


def _replace_address(namespace: OpenNamespace, step: AddAddress, indexes: dict[IfName, int | None]) -> None:
    """The kernel does not change the flags of an address that is there: put it anew if it differs."""
    names = {index: name for name, index in indexes.items() if index}
    present = [rtnetlink.parse_address(payload, dict(names)) for payload in namespace.netlink.dump(rtnetlink.get_addresses())]
    if step.address in present:
        return
    index = indexes[step.address.dev] or 0
    for code in namespace.netlink.request(
        [rtnetlink.delete_address(step.address, index), rtnetlink.add_address(step.address, index)]
    ):
        if code:
            raise OSError(code, os.strerror(code))


def _delete_addresses(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[DeleteAddress]) -> Failures:
    indexes = _indexes(namespace, {step.address.dev for step in steps})
    pairs = [
        (indexes[step.address.dev], rtnetlink.delete_address(step.address, indexes[step.address.dev] or 0)) for step in steps
    ]
    return [None if code in _ALREADY_GONE else _error(code) for code in _requests(namespace, pairs)]


def _add_entries(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[AddEntry]) -> Failures:
    indexes = _indexes(namespace, {step.entry.dev for step in steps})
    pairs = [(indexes[step.entry.dev], rtneighbours.add_entry(step.entry, indexes[step.entry.dev] or 0)) for step in steps]
    return [_error(code) for code in _requests(namespace, pairs)]


def _delete_entries(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[DeleteEntry]) -> Failures:
    indexes = _indexes(namespace, {step.entry.dev for step in steps})
    pairs = [(indexes[step.entry.dev], rtneighbours.delete_entry(step.entry, indexes[step.entry.dev] or 0)) for step in steps]
    return [None if code in _ALREADY_GONE else _error(code) for code in _requests(namespace, pairs)]


def _add_routes(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[AddRoute]) -> Failures:
    indexes = _indexes(namespace, {step.route.dev for step in steps})
    pairs = [(indexes[step.route.dev], rtroutes.add_route(step.route, indexes[step.route.dev] or 0)) for step in steps]
    return [_error(code) for code in _requests(namespace, pairs)]


def _delete_routes(_: OpenNamespaces, namespace: OpenNamespace, steps: Sequence[DeleteRoute]) -> Failures:
    indexes = _indexes(namespace, {step.route.dev for step in steps})
    pairs = [(indexes[step.route.dev], rtroutes.delete_route(step.route, indexes[step.route.dev] or 0)) for step in steps]
    return [None if code in _ALREADY_GONE else _error(code) for code in _requests(namespace, pairs)]


def _indexes(namespace: OpenNamespace, names: set[IfName]) -> dict[IfName, int | None]:
    return {name: wiring.link_index(namespace, name) for name in names}


def _requests(namespace: OpenNamespace, pairs: Sequence[tuple[int | None, Message]]) -> list[int]:
    """Send the messages that have a link and return an errno for each: ENODEV for those that have none."""
    sent = iter(namespace.netlink.request([message for index, message in pairs if index]))
    return [next(sent) if index else errno.ENODEV for index, _ in pairs]


def _error(code: int) -> OSError | None:
    return OSError(code, os.strerror(code)) if code else None
