"""What the trial of iptables makes of what it sees, and which program is used; the kernel itself is tried in tests/kernel."""

import pytest

from netlab.engine import proxy
from netlab.errors import HostUnready
from netlab.kernel import iptables, iptables_trial, netns
from netlab.netstate.iptables import IptablesRules


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Programs of these kinds are installed, and no others."""
    monkeypatch.setitem(iptables._ENVIRONMENT, "PATH", str(tmp_path))

    def install(*variants):
        for variant in variants:
            (tmp_path / f"iptables-{variant}-restore").touch(0o755)

    return install


def fail(error):
    def run(_):
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "words"),
    [
        pytest.param(lambda _: iptables_trial.sample_rules("legacy"), "", id="well"),
        pytest.param(
            fail(iptables.IptablesError("iptables-restore: unable to initialize table 'nat'")),
            "the kernel refuses rules of iptables-legacy (iptables-restore: unable to initialize table 'nat'): modprobe -a iptable_nat",
            id="a module is missing",
        ),
        pytest.param(fail(PermissionError(1, "Operation not permitted")), "Operation not permitted", id="no rights"),
        pytest.param(lambda _: IptablesRules(variant="legacy"), "in other words than netlab writes", id="another version"),
    ],
)
def test_what_the_kernel_says(monkeypatch, installed, run, words):
    installed("legacy")
    monkeypatch.setattr(netns, "in_new_namespace", run)
    finding = iptables_trial.tried("x", "legacy")
    assert finding.state == ("warning" if words else "ok")
    assert words in str(finding)


def test_a_program_that_is_missing_is_named_with_its_cure(installed):
    installed()
    cure = "iptables-nft is missing: apt-get install --no-install-recommends iptables"
    assert str(iptables_trial.tried("x", "nft")) == cure
    with pytest.raises(HostUnready) as caught:
        iptables_trial.require("nft")
    assert str(caught.value) == cure


@pytest.mark.parametrize(
    ("there", "choice", "used"),
    [
        (("nft", "legacy"), (None, "nft"), "nft"),
        (("nft", "legacy"), (None, "legacy"), "legacy"),
        (("nft", "legacy"), ("legacy", "nft"), "legacy"),
        (("legacy",), (None, "nft"), "legacy"),
        (("legacy",), ("nft", "nft"), "nft"),
        ((), (None, "legacy"), "legacy"),
    ],
)
def test_which_program_is_used(monkeypatch, installed, there, choice, used):
    installed(*there)
    monkeypatch.setattr(iptables_trial, "require", lambda _: None)
    assert proxy.usable_variant(*choice) == used


def test_the_sample_has_every_kind_of_rule():
    text = str(iptables_trial.sample_rules("nft"))
    for word in (
        "KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-EXT-", "KUBE-FW-", "KUBE-PROXY-FIREWALL", "CNI-DN-", "IP-MASQ", "statistic",
        "recent --set", "recent --rcheck", "addrtype --src-type", "addrtype --dst-type", "REJECT", "MASQUERADE", "DNAT", "conntrack",
    ):  # fmt: skip
        assert word in text
