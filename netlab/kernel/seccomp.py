"""The seccomp filter of containers, from the file that all container engines of the distribution share. Pure.

/usr/share/containers/seccomp.json is Docker's dialect: each entry may say for which capabilities, machines and kernels it is
meant. What is left after choosing is `linux.seccomp` of the OCI specification. One machine type only: a filter for 32-bit
programs besides would cost 10 ms at each start, and a 64-bit VM has none.
Source: containers-common pkg/seccomp (filter.go, setupSeccomp); OCI runtime-spec, config-linux.md, Seccomp.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

from netlab.errors import HostUnready
from netlab.frozen import dataclass

PROFILE: Final = Path("/usr/share/containers/seccomp.json")
# uname -m: the name in the file's `arches`, and libseccomp's
ARCHITECTURES: Final = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}
_COPIED: Final = ("names", "action", "errnoRet")


@dataclass(frozen=True, slots=True)
class Filter:
    """`rules` are `linux.seccomp`; `program` is what they were compiled to, in base64, empty if that is not known."""

    name: str
    rules: Mapping[str, Any]
    program: str = ""


def seccomp_filter(text: str, *, machine: str, kernel: str, capabilities: AbstractSet[str]) -> dict[str, Any]:
    """Return `linux.seccomp` for a container with these capabilities.

    Args:
        text: the file's content.
        machine: as `uname -m` prints it.
        kernel: as `uname -r` prints it; entries for newer kernels are left out.
        capabilities: names with `CAP_`.

    Raises:
        HostUnready: the file is not what it should be, or nothing is known about this machine type.
    """
    if machine not in ARCHITECTURES:
        raise HostUnready(f"no seccomp filter is known for machines of type {machine}")
    short, name = ARCHITECTURES[machine]
    try:
        profile = json.loads(text)
        entries = [entry for entry in profile["syscalls"] if _is_meant(entry, short, kernel, capabilities)]
        found: dict[str, Any] = {"defaultAction": profile["defaultAction"], "architectures": [name]}
        if profile.get("defaultErrnoRet") is not None:
            found["defaultErrnoRet"] = profile["defaultErrnoRet"]
        found["syscalls"] = [_plain(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        cure = "apt-get install --reinstall golang-github-containers-common"
        raise HostUnready(f"the seccomp profile cannot be used ({error!r}): {cure}") from error
    return found


def _is_meant(entry: Mapping[str, Any], machine: str, kernel: str, capabilities: AbstractSet[str]) -> bool:
    wanted, unwanted = entry.get("includes") or {}, entry.get("excludes") or {}
    return (
        _among(wanted.get("arches"), {machine}, absent=True)
        and not _among(unwanted.get("arches"), {machine}, absent=False)
        and all(name in capabilities for name in wanted.get("caps") or ())
        and not _among(unwanted.get("caps"), capabilities, absent=False)
        and (not wanted.get("minKernel") or _version(kernel) >= _version(wanted["minKernel"]))
        and (not unwanted.get("minKernel") or _version(kernel) < _version(unwanted["minKernel"]))
    )


def _among(listed: list[str] | None, present: AbstractSet[str], *, absent: bool) -> bool:
    return any(name in present for name in listed) if listed else absent


def _version(text: str) -> tuple[int, int]:
    """The first two numbers of a kernel release: `6.1.0-18-amd64` is (6, 1)."""
    major, _, rest = text.partition(".")
    digits = rest.split(".")[0].split("-")[0]
    return int(major), int(digits or 0)


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: entry[key] for key in _COPIED if entry.get(key) is not None}
    if entry.get("args"):
        found["args"] = entry["args"]
    return found
