r"""The formats of single values: the names that stand in `typing.Annotated` in this room, and the check behind each.

A check returns "" for a good value, or what is wrong in Kubernetes' own words. It never raises and looks at nothing but the
value. Digits are written `[0-9]` because `\d` also matches the digits of other scripts. `re` compiles a pattern when it is
first used, and keeps it: a command needs few of them.
Source: k8s.io/apimachinery/pkg/util/validation; RFC 1123 (names), RFC 6335 (port names).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from netlab.model.addresses import cidrs, cluster_ip, ip, matcher
from netlab.model.path_formats import PATH_MAX, absolute_path, mount_path, sub_path, volume_path
from netlab.model.quantity import quantity
from netlab.model.ranges import node_port_addresses, source_range
from netlab.model.resources import resource_field, resource_name
from netlab.model.security import capability

Check = Callable[[Any], str]

LABEL_MAX = 63
SUBDOMAIN_MAX = 253
PORT_MAX = 65535
PORT_NAME_MAX = 15
INT32_MAX = 2147483647
RESERVED_MACHINES = frozenset({"outside", "fabric"})
FIELD_PATHS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['KEY']", "metadata.annotations['KEY']",
    "spec.nodeName", "status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs",
    "metadata.labels", "metadata.annotations",
)  # fmt: skip

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SERVICE_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_ENV_NAME = r"[ -<>-~]+"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_HEADER_NAME = r"[-A-Za-z0-9]+"
_RANGE = r"([0-9]{1,5})-([0-9]{1,5})"
_BASE64 = r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_SUBSCRIPT = r"metadata\.(labels|annotations)\['([^']*)'\]"

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
SERVICE_NAME_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
ENV_NAME_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"
CONFIG_KEY_TEXT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
HEADER_NAME_TEXT = "a valid HTTP header must consist of alphanumeric characters or '-'"


def _matching(pattern: str, text: str, longest: int) -> Check:
    def check(value: str) -> str:
        if len(value) > longest:
            return f"must be no more than {longest} characters"
        return "" if matcher(pattern)(value) else text

    return check


def _between(lowest: int, highest: int) -> Check:
    def check(value: int) -> str:
        return "" if lowest <= value <= highest else f"must be between {lowest} and {highest}, inclusive"

    return check


dns_label = _matching(_LABEL, LABEL_TEXT, LABEL_MAX)
dns_name = _matching(_SUBDOMAIN, SUBDOMAIN_TEXT, SUBDOMAIN_MAX)
service_name = _matching(_SERVICE_NAME, SERVICE_NAME_TEXT, LABEL_MAX)
port = _between(1, PORT_MAX)


def node_name(value: str) -> str:
    """A DNS label, because namespaces are called `<lab>.<node>`; the names of the other machines are taken."""
    return "must not be the name of a machine that every lab has" if value in RESERVED_MACHINES else dns_label(value)


def external_name(value: str) -> str:
    """A DNS name, possibly with a trailing dot, each part of which fits into a DNS message (RFC 1035 2.3.4)."""
    name = value.removesuffix(".")
    return dns_name(name) or dns_parts(name)


def dns_parts(value: str) -> str:
    """Every part of a DNS name is at most 63 characters long. Kubernetes does not check it; a resolver does."""
    return f"must have no part longer than {LABEL_MAX} characters" if max(map(len, value.split("."))) > LABEL_MAX else ""


def port_name(value: str) -> str:
    """IANA_SVC_NAME (RFC 6335 5.1), in the order in which Kubernetes checks it."""
    if len(value) > PORT_NAME_MAX:
        return f"must be no more than {PORT_NAME_MAX} characters"
    if not re.fullmatch(r"[-a-z0-9]+", value):
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search(r"[a-z]", value):
        return "must contain at least one letter (a-z)"
    if "--" in value:
        return "must not contain consecutive hyphens"
    return "must not begin or end with a hyphen" if "-" in (value[0], value[-1]) else ""


def target_port(value: int | str) -> str:
    """A port number, a container port's name, or 0 for the Service's own port."""
    if isinstance(value, str):
        return port_name(value)
    return port(value) if value else ""


def int_or_percent(value: int | str) -> str:
    """A number of 0 or more, or a part of the whole such as `25%`."""
    if isinstance(value, int):
        return non_negative(value)
    return "" if re.fullmatch(r"[0-9]{1,4}%", value) else "must be a number or a percentage, for example 25%"


def port_reference(value: int | str) -> str:
    """A port number, or a container port's name."""
    return port_name(value) if isinstance(value, str) else port(value)


def label_key(value: str) -> str:
    """A qualified name: `name` of at most 63 characters, or `prefix/name` with a DNS subdomain as prefix."""
    prefix, slash, name = value.rpartition("/")
    if slash and dns_name(prefix):
        return f"prefix part {dns_name(prefix)}"
    if not name:
        return "name part must be non-empty"
    if len(name) > LABEL_MAX:
        return f"name part must be no more than {LABEL_MAX} characters"
    return "" if re.fullmatch(_QUALIFIED, name) else QUALIFIED_TEXT


def label_value(value: str) -> str:
    """At most 63 characters; empty is good."""
    return _matching(_QUALIFIED, LABEL_VALUE_TEXT, LABEL_MAX)(value) if value else ""


def config_key(value: str) -> str:
    """The key of a ConfigMap; it can become a file name, so the two names every directory has are no keys."""
    if value in (".", "..") or value.startswith(".."):
        return f"must not be or start with {value[:2]!r}"
    return _matching(_CONFIG_KEY, CONFIG_KEY_TEXT, SUBDOMAIN_MAX)(value)


def file_mode(value: int) -> str:
    """Permissions of a file; 0644 and 420 are the same in YAML, in JSON there is only 420."""
    return "" if 0 <= value <= 0o777 else "must be a number between 0 and 0777 (octal), both inclusive"  # noqa: PLR2004


def one_line(value: str) -> str:
    """Text that cannot be taken for a further line of what it stands in."""
    return "must be one line" if "\r" in value or "\n" in value else ""


def field_path(value: str) -> str:
    """A field of the Pod that netlab can put into a variable."""
    subscript = re.fullmatch(_SUBSCRIPT, value)
    if subscript:
        return label_key(subscript[2])
    return "" if value in FIELD_PATHS else f"must be one of {', '.join(FIELD_PATHS)}"


def dns_search(value: str) -> str:
    """A domain to complete names with; it may begin parts with `_`, end with a dot, or be the dot alone."""
    return "" if value == "." else dns_name(value.removesuffix(".").replace("_", "a"))


def base64_text(value: str) -> str:
    """Standard base64 with its padding, in which line breaks do not count, as Go reads it."""
    text = value.replace("\n", "").replace("\r", "")
    return "" if re.fullmatch(_BASE64, text) else "must be base64 with padding, as `base64` prints it"


def secret_text(_: str) -> str:
    """Any text; it has a name so that no message shows it."""
    return ""


def port_range(value: str) -> str:
    """`30000-32767`: two port numbers in order."""
    found = re.fullmatch(_RANGE, value)
    if not found or port(int(found[1])) or port(int(found[2])) or int(found[1]) > int(found[2]):
        return f"must be two ports between 1 and {PORT_MAX} in order, for example 30000-32767"
    return ""


def non_negative(value: int) -> str:
    """An int32 that is not negative."""
    if value < 0:
        return "must be greater than or equal to 0"
    return f"must be no more than {INT32_MAX}" if value > INT32_MAX else ""


def positive(value: int) -> str:
    """An int32 that is greater than 0."""
    return non_negative(value) if value else "must be greater than 0"


def int32(value: int) -> str:
    """A whole number of 32 bits, with a sign."""
    return "" if -INT32_MAX <= value <= INT32_MAX else f"must be between -{INT32_MAX} and {INT32_MAX}, inclusive"


FORMATS: Mapping[str, Check] = {
    "absolute-path": absolute_path,
    "affinity-seconds": _between(1, 86400),
    "base64": base64_text,
    "capability": capability,
    "cidrs": cidrs,
    "cluster-ip": cluster_ip,
    "config-key": config_key,
    "dns-label": dns_label,
    "dns-name": dns_name,
    "dns-search": dns_search,
    "dns-name-or-empty": lambda value: external_name(value) if value else "",
    "env-name": _matching(_ENV_NAME, ENV_NAME_TEXT, SUBDOMAIN_MAX),
    "field-path": field_path,
    "header-name": _matching(_HEADER_NAME, HEADER_NAME_TEXT, PATH_MAX),
    "int-or-percent": int_or_percent,
    "int32": int32,
    "file-mode": file_mode,
    "ip": ip,
    "ip-or-empty": lambda value: ip(value) if value else "",
    "ipv4-mask": _between(8, 30),
    "ipv6-mask": _between(16, 126),
    "label-key": label_key,
    "label-value": label_value,
    "mount-path": mount_path,
    "mtu": _between(576, PORT_MAX),
    "node-name": node_name,
    "node-port-addresses": node_port_addresses,
    "non-negative": non_negative,
    "positive": positive,
    "one-line": one_line,
    "port": port,
    "port-name": port_name,
    "port-or-zero": _between(0, PORT_MAX),
    "port-range": port_range,
    "port-reference": port_reference,
    "quantity": quantity,
    "resource-field": resource_field,
    "resource-name": resource_name,
    "secret-text": secret_text,
    "source-range": source_range,
    "sub-path": sub_path,
    "target-port": target_port,
    "volume-path": volume_path,
}
UNSHOWN = frozenset({base64_text, secret_text})
"""Formats of values that may be secret: a message about one does not say what it is."""
