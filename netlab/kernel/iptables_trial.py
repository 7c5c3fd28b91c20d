"""Whether this machine can do what a Node in iptables mode needs: tried out in a namespace of its own, which leaves nothing.

The programs may be missing, or the kernel may lack one of the many modules behind them; only the attempt tells. One Service of
each kind is written with all that can be about it, and must be read back as it was written.
"""

from __future__ import annotations

from netlab.errors import HostUnready
from netlab.kernel import iptables, netns
from netlab.kernel.findings import CURES, Finding, ok, warning
from netlab.netstate.iptables import IptablesRules, Variant

MODULES = {
    "nft": "-a nft_compat xt_nat xt_MASQUERADE xt_addrtype xt_comment xt_conntrack xt_mark xt_recent xt_statistic ipt_REJECT",
    "legacy": "-a iptable_nat iptable_filter xt_nat xt_MASQUERADE xt_addrtype xt_comment xt_conntrack xt_mark xt_recent"
    " xt_statistic ipt_REJECT",
}


def require(variant: Variant) -> None:
    """Raise HostUnready with the cure if rules of this program cannot be had."""
    finding = tried(f"iptables-{variant}", variant)
    if finding.state != "ok":
        raise HostUnready(str(finding))


def tried(name: str, variant: Variant) -> Finding:
    """Write the rules of a Node and read them back. Never `missing`: netlab works without, in nftables mode."""
    if not iptables.program(variant, "restore"):
        return warning(name, f"iptables-{variant} is missing", CURES["iptables"])
    rules = sample_rules(variant)
    try:
        found = netns.in_new_namespace(lambda: _written(rules))
    except (iptables.IptablesError, OSError) as error:
        cure = CURES["module"].format(module=MODULES[variant])
        return warning(name, f"the kernel refuses rules of iptables-{variant} ({error})", cure)
    if found != rules:
        return warning(name, f"iptables-{variant} reads rules back in other words than netlab writes", CURES["iptables"])
    return ok(name, f"the rules of a Node were loaded by iptables-{variant} and read back")


def _written(rules: IptablesRules) -> IptablesRules | None:
    iptables.restore((f"{rules.program}-restore", "-w", "--noflush"), str(rules))
    return iptables.listed(rules.variant, rules.family).ours


def sample_rules(variant: Variant) -> IptablesRules:
    """Return the rules of a Node with every kind of rule that netlab writes."""
    from netlab.desired.backends import Target  # noqa: PLC0415 - deciding is only needed for this
    from netlab.desired.frontend import Frontend  # noqa: PLC0415
    from netlab.desired.host_ports import HostPort  # noqa: PLC0415
    from netlab.desired.iptables import ProxyRules  # noqa: PLC0415
    from netlab.desired.iptables_services import PodSource  # noqa: PLC0415

    here, there = Target("10.244.1.2", 8080), Target("10.244.2.2", 8080)
    inner = Frontend(
        owner="default/web:http", kind="ClusterIP", address="10.96.0.80", protocol="tcp", port=80,
        targets=(here, there), masquerade="off-cluster", affinity_s=10800,
    )  # fmt: skip
    outer = inner._replace(
        kind="LoadBalancer", address="192.0.2.1", targets=(here,), masquerade="never", policy="Local",
        shortcut=(here, there), sources=("203.0.113.0/24",),
    )  # fmt: skip
    node_port = outer._replace(kind="NodePort", address="172.18.0.2", port=30080, sources=())
    nobody = Frontend(
        owner="default/none", kind="ClusterIP", address="10.96.0.81", protocol="udp", port=53, targets=(), masquerade="always"
    )
    return ProxyRules(
        family="ip", frontends=(inner, outer, node_port, nobody, nobody._replace(kind="NodePort", port=30053)),
        node_port_ips=None, pods=PodSource(src="10.244.0.0/16"), pod_subnets=("10.244.0.0/16",), node_ips=("172.18.0.2",),
        host_ports=(HostPort(
            owner="default/a", address="172.18.0.2", protocol="tcp", port=8080, target="10.244.1.2", target_port=80
        ),),
        health_ports={"default/web:http": 30081},
    ).compiled(variant)  # fmt: skip
