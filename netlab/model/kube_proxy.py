"""How the Nodes of a lab do what kube-proxy does: part of a Lab, in the words of KubeProxyConfiguration.

Source: Kubernetes API reference, kubeproxy.config.k8s.io/v1alpha1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from netlab.frozen import dataclass

ProxyMode = Literal["nftables", "iptables"]
IptablesVariant = Literal["nft", "legacy"]
DetectLocalMode = Literal["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", "None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeProxy:
    """The rules of all Nodes. A Node may have another `mode` of its own (NodeTemplate.kube_proxy_mode).

    `detect_local_mode` says how a Node knows the packets of Pods, which keep their source on the way to a ClusterIP: by the
    subnet of all Pods, by that of its own, by the bridge they come through, by the port of it; with None nobody's is replaced.
    `iptables_variant` is which of the two programs called iptables writes the rules of iptables mode, never both.
    Without `clean_stale_entries` UDP flows are left with endpoints that are none any more, which shows what it is good for.
    `node_port_addresses` are the ranges whose addresses of a Node have its NodePorts: `primary` alone means the Node's own.
    """

    mode: ProxyMode = "nftables"
    detect_local_mode: DetectLocalMode = "ClusterCIDR"
    masquerade_all: bool = False
    iptables_variant: IptablesVariant = "nft"
    clean_stale_entries: bool = True
    node_port_addresses: tuple[Annotated[str, "node-port-addresses"], ...] = ()
