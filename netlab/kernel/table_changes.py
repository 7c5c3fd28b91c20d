"""A change of a table done in the thread's namespace: chains, sets and rules by nft, elements by netlink.

If only nft can read an element (somebody wrote it by hand), the whole change is one script of nft.
"""

from __future__ import annotations

from typing import Final

from netlab.kernel import nft, nft_elements
from netlab.plan.table_change import TableChange

MANY: Final = 5000
"""Elements that take the kernel 10 ms."""


def apply(change: TableChange) -> int:
    """Do it and return how many transactions it took. Raises nft.NftError: what is refused is not done, nor what follows it."""
    if not change.elements:
        return _run(f"{change.first}{change.last}")
    try:
        batch = nft_elements.encoded(change)
    except nft_elements.UnknownElement:
        return _run(str(change))
    return _run(change.first) + _send(batch) + _run(change.last)


def is_large(change: TableChange) -> bool:
    """Tell whether it takes so long that others had better be served beside it."""
    return nft.is_large(change.first) or sum(len(one.elements) for one in change.elements) > MANY


def _run(script: str) -> int:
    if not script:
        return 0
    (nft.run_aside if nft.is_large(script) else nft.run)(script)
    return 1


def _send(batch: nft_elements.Batch) -> int:
    try:
        nft_elements.send(batch)
    except OSError as error:
        raise nft.NftError(error.strerror or str(error)) from error
    return 1
