"""Formats of single values: the last good one and the first bad one of each rule."""

import re
from pathlib import Path

import pytest

import netlab.model
from netlab.model.formats import FORMATS

GOOD = {
    "dns-label": ["a", "a-b", "0", "x" * 63],
    "dns-search": ["a.b", "a.b.", ".", "_tcp.a"],
    "dns-name": ["a.b", "a-1.b-2", "x" * 253],
    "dns-name-or-empty": ["", "example.com", "example.com."],
    "node-name": ["node-1", "x" * 63],
    "port": [1, 65535], "port-or-zero": [0, 65535], "target-port": [0, 1, 65535, "http", "a-1"],
    "int-or-percent": [0, 5, "0%", "25%", "100%"],
    "port-name": ["http", "1a", "a" * 15],
    "port-reference": [1, 65535, "http"], "header-name": ["Host", "X-Custom-1"], "one-line": ["", "a b"],
    "env-name": ["A", "_a", ".a", "-a", "A1", "1a", "a:b c"],
    "absolute-path": ["/", "/a", "/a..b", "/..."], "mount-path": ["/a", "/a/"],
    "cidrs": ["10.0.0.0/8", "203.0.113.1/32", "0.0.0.0/0", "::/0", "fd00:10:244::/56", "10.0.0.0/8,fd00::/8", "fd00::/8,10.0.0.0/8"],
    "base64": ["", "AA==", "AAA=", "AAAA", "AA\n==\r\n"], "secret-text": ["", "\n"],
    "cluster-ip": ["", "None", "10.96.0.1", "fd00::1"],
    "file-mode": [0, 0o777], "sub-path": ["a", "a/b/", "..a", "./a"],
    "volume-path": ["a", "a/b", ".a", "a..b", "a/..b"],
    "ip": ["10.0.0.1", "::1"], "ip-or-empty": ["", "10.0.0.1", "::1"], "affinity-seconds": [1, 86400],
    "source-range": ["10.0.0.0/8", " 10.0.0.1/8 ", "010.0.0.0/08", "fd00::/8"], "node-port-addresses": ["primary", "0.0.0.0/0", "::/0"],
    "ipv4-mask": [8, 30], "ipv6-mask": [16, 126], "mtu": [576, 65535], "non-negative": [0, 2**31 - 1], "positive": [1, 2**31 - 1],
    "port-range": ["1-65535", "5-5"], "int32": [-(2**31) + 1, 2**31 - 1],
    "label-key": ["a", "A.b_c-d", "example.com/a", "x" * 63],
    "label-value": ["", "A.b_c-d", "x" * 63],
    "capability": ["ALL", "NET_ADMIN", "CHECKPOINT_RESTORE"],
    "resource-field": ["limits.cpu", "requests.ephemeral-storage"], "quantity": ["0", "500m", "1.5Gi", "1e3"], "resource-name": ["cpu", "memory", "ephemeral-storage"],
    "config-key": ["a", ".a", "a.b_c-d"],
    "field-path": ["metadata.name", "status.podIP", "metadata.labels", "metadata.labels['app']", "metadata.annotations['a.b/c']"],
}  # fmt: skip
BAD = {
    "dns-label": ["", "A", "a.b", "-a", "a-", "a\n", "x" * 64, "\u0430", "a_b"],
    "dns-search": ["", "a..b", "A", "a b"],
    "dns-name": ["", ".", "a..b", ".a", "a.", "a/b", "../a", "a\n", "x" * 254],
    "dns-name-or-empty": [".", "a..", "a b", "x" * 64 + ".com"],
    "node-name": ["outside", "fabric", "a.b", ""],
    "port": [0, 65536, -1, 10**30], "port-or-zero": [-1, 65536], "target-port": [65536, -1, "80", "", "a--b"],
    "int-or-percent": [-1, "", "5", "-5%", "25 %", "2.5%", "x%", "1" * 9 + "%"],
    "port-reference": [0, 65536, "80"], "header-name": ["", "a b", "a:b", "a\n"], "one-line": ["a\nb", "a\r"],
    "port-name": ["", "80", "a" * 16, "A", "a_b", "-a", "a-", "a--b", "a\n", "\u0661a"],
    "env-name": ["", "a=b", "a\tb", "a\n", "\u00e9", "x" * 254],
    "absolute-path": ["", "a", "./a", "/a/../b", "/..", "/\0", "/" + "x" * 4095], "mount-path": ["/", "//", "/a:b", "a"],
    "cidrs": [
        "", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "010.0.0.0/8", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "10/8", "10.0.0.0/8\n",
        "fd00::", "fd00::1/64", "fd00:0::/64", "FD00::/64", "fd00::/129", "fd00::/064", "fe80::%eth0/64", "::ffff:10.0.0.0/104",
        "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8, fd00::/8", "10.0.0.0/8,11.0.0.0/8", "fd00::/8,fc00::/8", "10.0.0.0/8,fd00::/8,11.0.0.0/8",
    ],
    "base64": ["A", "AA", "AA=", "AA==A", "AA-_", "AA== ", "\u0661AAA"], "secret-text": [],
    "cluster-ip": ["none", "10.96.0.01", "::1%eth0", "10.96.0.1/32", "10.96.1"],
    "file-mode": [-1, 0o1000, 644], "sub-path": ["/a", "..", "a/../b"],
    "volume-path": ["", "/a", "..", "../a", "a/../b", "..a", "a//b", "a/", "./a"],
    "ip-or-empty": [" ", "10.0.0.01"], "affinity-seconds": [0, 86401],
    "source-range": ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "10.0.0/8", "fd00::/129", "\u0661.0.0.0/8"],
    "node-port-addresses": ["", "Primary", "10.0.0.1", "eth0"],
    "ip": ["", "10.0.0.01", "10.0.1", "1", "fe80::1%eth0", "10.0.0.1 ", "\u0661.0.0.1"],
    "ipv4-mask": [7, 31], "ipv6-mask": [15, 127], "mtu": [575, 65536], "non-negative": [-1, 2**31], "positive": [0, 2**31], "int32": [-(2**31), 2**31],
    "port-range": ["", "1", "2-1", "0-1", "1-65536", "1-2-3", "a-b", "1 - 2"],
    "label-key": ["", "/", "a/", "/a", "A.com/a", "a/b/c", "-a", "x" * 64, "a\n"],
    "label-value": ["-a", "a-", "a b", "x" * 64, "a\n"],
    "capability": ["", "CAP_NET_ADMIN", "net_admin", "all", "NET"],
    "quantity": ["", "1 Gi", "1gi", "-1", "9" * 20], "resource-field": ["", "cpu", "limits.gpu", "Limits.cpu"], "resource-name": ["", "CPU", "nvidia.com/gpu", "hugepages-2Mi"],
    "config-key": ["", ".", "..", "..a", "a/b", "a b", "x" * 254],
    "field-path": ["", "spec", "metadata.labels['']", "metadata.labels['a b']", "status.phase"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, rows in GOOD.items() for value in rows])
def test_good(name, value):
    assert FORMATS[name](value) == ""


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, rows in BAD.items() for value in rows])
def test_bad(name, value):
    assert FORMATS[name](value)


def test_table_has_exactly_the_formats_the_nouns_name():
    room = Path(netlab.model.__file__).parent
    used = {name for path in room.glob("*.py") for name in re.findall(r'Annotated\[[^"\n]*"([a-z0-9-]+)"', path.read_text())}
    assert set(FORMATS) == used == set(GOOD) == set(BAD)
