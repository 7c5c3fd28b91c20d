"""Jenkins' hash of a few bytes, as nft's `jhash` gives it. Pure.

Source: Bob Jenkins, lookup3.c (public domain), hashlittle(); the kernel's include/linux/jhash.h and nft_hash.c.
"""

from __future__ import annotations

from typing import Final

_START: Final = 0xDEADBEEF
_BITS: Final = 0xFFFFFFFF
_BLOCK: Final = 12
_FINAL_ROTATIONS: Final = (14, 11, 25, 16, 4, 14, 24)
_MIX_ROTATIONS: Final = (4, 6, 8, 16, 19, 4)


def jhash(key: bytes, seed: int, modulus: int) -> int:
    """Return the hash of `key` scaled to 0 .. modulus - 1: its high bits, and no remainder (reciprocal_scale)."""
    start = (_START + len(key) + seed) & _BITS
    words = [start, start, start]
    while len(key) > _BLOCK:
        _add(words, key[:_BLOCK])
        _mix(words)
        key = key[_BLOCK:]
    if key:
        _add(words, key)
        _finish(words)
    return words[2] * modulus >> 32


def _add(words: list[int], block: bytes) -> None:
    """Add up to twelve bytes to the three words; missing ones are 0."""
    padded = block.ljust(_BLOCK, b"\0")
    for place in range(3):
        words[place] = (words[place] + int.from_bytes(padded[4 * place : 4 * place + 4], "little")) & _BITS


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _BITS


def _mix(words: list[int]) -> None:
    """Six steps, each on the next of a, b, c: `a -= c; a ^= rol(c, 4); c += b`."""
    for step, bits in enumerate(_MIX_ROTATIONS):
        at, last, other = step % 3, (step + 2) % 3, (step + 1) % 3
        words[at] = (words[at] - words[last] & _BITS) ^ _rotated(words[last], bits)
        words[last] = words[last] + words[other] & _BITS


def _finish(words: list[int]) -> None:
    """Seven steps, beginning with c: `c ^= b; c -= rol(b, 14)`."""
    for step, bits in enumerate(_FINAL_ROTATIONS):
        at, other = (2 + step) % 3, (1 + step) % 3
        words[at] = (words[at] ^ words[other]) - _rotated(words[other], bits) & _BITS
