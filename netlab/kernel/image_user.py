"""The user of an image: UID, NAME, either with :GROUP, resolved in the image's own /etc/passwd and /etc/group. Pure.

Source: OCI image-spec 1.0, config.md (User); moby's user.GetExecUser, which containerd follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netlab.errors import NotFound
from netlab.frozen import dataclass

HIGHEST: Final = 2**31 - 1
PASSWD_FIELDS, GROUP_FIELDS = 7, 4


@dataclass(frozen=True, slots=True)
class User:
    """Who a process runs as: numbers of user and group, and the further groups that /etc/group puts the user in."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()


def resolve(user: str, passwd: str, group: str) -> User:
    """Return who `user` is, root if it is empty. A number needs no entry; its group is then that of its entry, or 0.

    Raises:
        NotFound: there is no such name, or the number is out of range.
    """
    who, _, where = user.partition(":")
    users, groups = list(_entries(passwd, PASSWD_FIELDS)), list(_entries(group, GROUP_FIELDS))
    entry = next((line for line in users if who in (line[0], line[2])), None) if who else None
    if who and not entry and not who.isdecimal():
        raise NotFound(f"unable to find user {who}: no matching entries in passwd file")
    uid = _number(entry[2] if entry else who or "0")
    if not where:
        gid = _number(entry[3]) if entry else 0
        further = {_number(line[2]) for line in groups if entry and entry[0] in line[3].split(",")} - {gid}
        return User(uid, gid, tuple(sorted(further)))
    found = next((line for line in groups if where in (line[0], line[2])), None)
    if not found and not where.isdecimal():
        raise NotFound(f"unable to find group {where}: no matching entries in group file")
    return User(uid, _number(found[2] if found else where))


def _entries(text: str, fields: int) -> Iterator[list[str]]:
    """The lines that have all of their fields, and a number where one belongs."""
    for line in text.splitlines():
        entry = line.split(":")
        if len(entry) >= fields and entry[2].isdecimal() and (fields == GROUP_FIELDS or entry[3].isdecimal()):
            yield entry


def _number(word: str) -> int:
    number = int(word) if len(word) < len(str(HIGHEST)) + 2 else HIGHEST + 1
    if number > HIGHEST:
        raise NotFound(f"uids and gids must be in range 0-{HIGHEST}, is {word[:20]}")
    return number
