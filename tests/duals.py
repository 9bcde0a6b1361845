"""Reading dual numbers."""

from __future__ import annotations

from typing import Any

from flint import fmpq

from conformance.model.numbers import Dual


def slopes(number: Any, width: int = 1, level: int | None = None) -> tuple[Any, ...]:
    """The slopes of a number by so many inputs, at its own level or at the one given; 0 where it does not depend on one."""
    own = number.slopes if isinstance(number, Dual) and level in (None, number.level) else {}
    return tuple(own.get(i, fmpq(0)) for i in range(width))
