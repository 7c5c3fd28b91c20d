"""Quantity: an amount of something in Kubernetes' writing, `500m`, `1.5Gi` or `2e3`, with exact arithmetic.

    m, none, k, M, G, T, P, E      powers of 1000, from n (10^-9) on
    Ki, Mi, Gi, Ti, Pi, Ei         powers of 1024
    e3, E3                         powers of 10

A billionth is the finest step: what is finer is rounded up. Every amount has one way to be written (`0.5` is `500m`, `1024Mi`
is `1Gi`), so amounts that are equal and of one form are equal texts.
Source: k8s.io/apimachinery/pkg/api/resource (ParseQuantity, CanonicalizeBytes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import ceil
from typing import TYPE_CHECKING

from netlab.frozen import dataclass

if TYPE_CHECKING:
    from fractions import Fraction

QUANTITY_TEXT = "must be a quantity: a number with a unit behind it, for example 500m, 2, 128Mi or 1.5Gi"
NANO = 10**9
LARGEST = 2**63 - 1
# One 40-digit number is the longest, and two digits of exponent: nobody's amount, and nobody's memory.
_WRITTEN = r"([-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))(?:[eE]([-+]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i)?)"
_WHOLE = r"([0-9]{1,40})([numkMGTPE]|[KMGTPE]i|)"
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_POWERS: Mapping[str, tuple[int, int]] = {
    **{unit: (1000, power) for power, unit in enumerate(_DECIMAL, start=-3)},
    **{unit: (1024, power) for power, unit in enumerate(_BINARY)},
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in billionths. `is_binary`: it is written with powers of 1024 where that needs no fraction."""

    nano: int = 0
    is_binary: bool = False

    def __add__(self, other: Quantity) -> Quantity:
        """The sum, in the form of the first that is not zero."""
        return Quantity(self.nano + other.nano, self.is_binary if self.nano else other.is_binary)

    def __sub__(self, other: Quantity) -> Quantity:
        """The difference, in the form of what it was taken from."""
        return Quantity(self.nano - other.nano, self.is_binary)

    def __str__(self) -> str:
        return _binary_text(self.nano) if self.is_binary and abs(self.nano) >= 1024 * NANO else _decimal_text(self.nano)

    @property
    def units(self) -> int:
        """The amount in whole units (processors, bytes), rounded up."""
        return -(-self.nano // NANO)

    @property
    def thousandths(self) -> int:
        """The amount in thousandths (of a processor), rounded up."""
        return -(-self.nano // (NANO // 1000))


ZERO = Quantity()


def parse_quantity(text: str) -> Quantity | None:
    """Return the amount that is written, None if the text is no quantity or more than an int64 holds."""
    if found := re.fullmatch(_WHOLE, text):  # as nearly all are written
        base, power = _POWERS[found[2]]
        nano = int(found[1]) * base**power * NANO if power >= 0 else int(found[1]) * NANO // base**-power
        return Quantity(nano, text.endswith("i")) if nano <= LARGEST * NANO else None
    value = quantity_value(text)
    if value is None or abs(value) > LARGEST:
        return None
    away = ceil(abs(value) * NANO)
    return Quantity(-away if value < 0 else away, text.endswith("i"))


def quantity_value(text: str) -> Fraction | None:
    """Return the number that is written: `100m` is 1/10, `2Ki` is 2048. None: the text is no quantity."""
    found = re.fullmatch(_WRITTEN, text)
    if not found:
        return None
    number, exponent, unit = found.groups()
    from fractions import Fraction  # noqa: PLC0415 - most Pods of a lab ask for nothing

    base, power = (10, int(exponent)) if exponent else _POWERS[unit or ""]
    return Fraction(number) * Fraction(base) ** power


def quantity(value: str) -> str:
    """A check of a format: an amount that is not negative."""
    found = parse_quantity(value)
    if found is None:
        return QUANTITY_TEXT
    return "must be greater than or equal to 0" if found.nano < 0 else ""


def largest(amounts: Iterable[Quantity]) -> Quantity:
    """Return the largest amount, zero if there is none."""
    return max(amounts, key=lambda amount: amount.nano, default=ZERO)


def _decimal_text(nano: int) -> str:
    """The number with the largest unit that needs no fraction: 500m, 2, 1500M."""
    unit = 0
    while nano and nano % 1000 == 0 and unit < len(_DECIMAL) - 1:
        nano, unit = nano // 1000, unit + 1
    return f"{nano}{_DECIMAL[unit]}" if nano else "0"


def _binary_text(nano: int) -> str:
    amount, unit = -(-nano // NANO), 0
    while amount % 1024 == 0 and unit < len(_BINARY) - 1:
        amount, unit = amount // 1024, unit + 1
    return f"{amount}{_BINARY[unit]}"
