"""How the numbers that an engine shows lie to the truth and the error that is allowed to each.

An enclosure is JSON, as it stands in an `expect` of the relation `near`:

    shape, values    the truth: rationals where it is known exactly, else decimals of more digits than matter
    allowed          for each number the error that rounding in the dtype can make; twice this is accepted
    undecided        positions at which the truth is known only to lie in a wide interval, at a kink
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flint import arb

from conformance.model.numbers import precision, rational

Json = Mapping[str, Any]

# What can come of one number. "exact": nothing is allowed, and it is equal; "too wide": within an allowed error that says little.
OUTCOMES: Final = ("exact", "pass", "undecided", "too wide", "fail")
WIDE: Final = 1e-3  # of the truth's magnitude
_BITS: Final = 192  # more than any truth is written with


def outcomes(seen: Json, wanted: Json, dtype: str | None) -> list[tuple[str, float]]:
    """For each number what came of it, and its error as a part of what is accepted (0 where nothing is allowed).

    One "fail" stands for an array of another shape or dtype, or for none.
    """
    if (
        list(seen.get("shape", ())) != list(wanted["shape"])
        or len(seen.get("values", ())) != len(wanted["values"])
        or (dtype is not None and seen.get("dtype", dtype) != dtype)
    ):
        return [("fail", math.inf)]
    rows = zip(seen["values"], wanted["values"], wanted["allowed"], strict=True)
    with precision(_BITS):
        found = [_outcome(float(text), truth, float(allowed)) for text, truth, allowed in rows]
    undecided = frozenset(wanted.get("undecided", ()))
    return [
        ("undecided" if i in undecided and outcome != "fail" else outcome, ratio)
        for i, (outcome, ratio) in enumerate(found)
    ]


def _outcome(number: float, truth: str, allowed: float) -> tuple[str, float]:
    if not math.isfinite(number):
        return "fail", math.inf
    true = arb(rational(truth)) if allowed == 0 or "/" in truth else arb(truth)
    error = abs(arb(number) - true)
    if allowed == 0:
        return ("exact", 0.0) if error.is_zero() else ("fail", math.inf)
    ratio = float((error / (2 * allowed)).upper())
    if not ratio <= 1:  # nor where the truth or what is allowed is no number
        return "fail", ratio
    return ("too wide" if allowed > WIDE * abs(float(true)) else "pass"), ratio


def near(seen: Json, wanted: Json, dtype: str | None) -> bool:
    """Every number within twice the allowed error of the truth; same shape and dtype."""
    return not fails(outcomes(seen, wanted, dtype))


def fails(found: Iterable[tuple[str, float]]) -> bool:
    """Whether one number is wrong."""
    return any(outcome == "fail" for outcome, _ in found)
