"""The real Linux: namespaces, links, addresses, routes, sysctls and rules as netlab sees and changes them.

Implements kernel.port.Network. Steps of one kind that follow each other are done as a batch, grouped by namespace: their
order among each other means nothing to Linux. One thread, which lives as long as the call, goes from namespace to
namespace; none of the machine's own namespace is touched, and no process is started but for rules of iptables.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from netlab.errors import KernelError
from netlab.kernel import changes, iptables, links, netns, nft, sysctl
from netlab.kernel.conntrack import keep_udp_to, table_of
from netlab.kernel.host import check_host
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.namespaces import ForeignNamespaceError, OpenNamespaces
from netlab.kernel.port import Scope
from netlab.netstate.conntrack import ConntrackTable
from netlab.netstate.links import Bridge, Link
from netlab.netstate.names import NetnsName
from netlab.netstate.state import Namespace, NetState
from netlab.plan.steps import AddLink, Step


class LinuxNetwork:
    """Linux' network namespaces.

    Args:
        on_step: is called after each step; with it steps are done one by one (crash tests).
        rules: what is known of their rules; by default nothing is, and they are always listed.
    """

    def __init__(self, on_step: Callable[[], None] | None = None, rules: KnownRules | None = None) -> None:
        self._on_step = on_step
        self._rules = rules or KnownRules()

    def prepare(self, *, ipv6: bool = False) -> None:
        """Check that this machine can do it. Raises HostUnready naming the cure."""
        check_host(ipv6=ipv6)

    def observe(self, scope: Scope) -> NetState:
        """Return what exists of `scope`. Raises KernelError."""
        return netns.run_in_thread(lambda: _observe(scope, self._rules))

    def recognize(self, wished: NetState) -> None:
        """Take note that what was observed last is equal to `wished`."""
        for space in wished.namespaces:
            if space.table is not None:
                self._rules.recognize(space.name, space.table)

    def marked(self, scope: Scope) -> frozenset[NetnsName]:
        """Return the namespaces of `scope` that exist. Raises KernelError."""
        return netns.run_in_thread(lambda: frozenset(_marked(scope)))

    def apply(self, scope: Scope, steps: Sequence[Step]) -> None:
        """Do the steps in order. Raises KernelError with the first step that failed; later ones of its batch may be done."""
        batches: Iterable[list[Step]] = ([step] for step in steps)
        if self._on_step is None:
            batches = (list(group) for _, group in itertools.groupby(steps, key=_batch_key))

        def work() -> None:
            with OpenNamespaces(scope) as namespaces:
                for batch in batches:
                    changes.do(namespaces, self._rules, batch)
                    if self._on_step is not None:
                        self._on_step()

        if steps:
            netns.run_in_thread(work)

    def forget(self, names: Iterable[NetnsName]) -> None:
        """Remove names that a killed process had claimed and not yet given to a namespace."""
        netns.remove_claims(names)
        self._rules.forget(names)

    def keep_udp_flows(self, name: NetnsName, serving: Mapping[tuple[str, int], frozenset[str]]) -> int:
        """Forget UDP flows to an (address, port) that none of its endpoints answers; return how many. Raises KernelError."""
        return keep_udp_to(name, serving)

    def conntrack_table(self, name: NetnsName) -> ConntrackTable | None:
        """Return how full a namespace's table of connections is, None if there is none. Raises KernelError."""
        return table_of(name)

    def note(self) -> None:
        """Write down what is known of the rules. What cannot be written costs a listing."""
        self._rules.save()

    def close(self) -> None:
        """Write down what is known of the rules; nothing is open between calls."""
        self.note()


def _observe(scope: Scope, rules: KnownRules) -> NetState:
    seen: dict[NetnsName, links.Seen] = {}
    rest: dict[NetnsName, Namespace] = {}
    with OpenNamespaces(scope) as namespaces:
        for name in sorted(scope.names):
            try:
                found = _look(namespaces, rules, name)
            except ForeignNamespaceError:
                continue
            except (OSError, nft.NftError, iptables.IptablesError, ValueError) as error:
                raise KernelError(f"observe: {name}: {changes.reason(error)}") from error
            if found is not None:
                seen[name], rest[name] = found
        peers = links.Peers(seen, namespaces)
        # Machines first: each knows many Pods, so most pairs are found with a socket that is open anyway.
        order = sorted(seen, key=lambda name: -len(seen[name].links))
        wired = {name: links.nouns(name, seen[name], peers) for name in order}
    return NetState(namespaces=frozenset(_with_links(rest[name], seen[name], wired[name]) for name in rest))


def _marked(scope: Scope) -> Iterator[NetnsName]:
    with OpenNamespaces(scope) as namespaces:
        for name in sorted(scope.names):
            try:
                if namespaces.find(name) is not None:
                    yield name
            except ForeignNamespaceError:
                continue
            except OSError as error:
                raise KernelError(f"look for {name}: {error.strerror}") from error


def _look(namespaces: OpenNamespaces, rules: KnownRules, name: NetnsName) -> tuple[links.Seen, Namespace] | None:
    namespace = namespaces.find(name)
    if namespace is None:
        return None
    seen = links.look(namespace.netlink, namespaces.mark)
    if seen is None:
        return None
    namespace.enter()
    tables = nft.tables()
    listed, rules_seen = tuple(rules.iptables.observe(name, tables)), rules.observe(name, tables)
    return seen, Namespace(
        name=name,
        sysctls=sysctl.observe(),
        table=rules_seen.table,
        noted=rules_seen.noted,
        iptables=frozenset(found.ours for found in listed if found.ours),
        strangers=frozenset(found.strangers for found in listed if found.strangers),
    )


def _with_links(rest: Namespace, seen: links.Seen, wired: frozenset[Link]) -> Namespace:
    return replace(rest, links=wired, addresses=seen.addresses, entries=seen.entries, routes=seen.routes)


def _batch_key(step: Step) -> tuple[str, bool]:
    """Bridges come in a batch of their own: veths of the next one are their ports."""
    return type(step).__name__, isinstance(step, AddLink) and isinstance(step.link, Bridge)
