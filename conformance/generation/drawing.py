"""The random program of a case with an index: a function of the run's seed, the case, the index and what an engine offers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np

from conformance.enclosure import WIDE
from conformance.generation.sketch import Sketch, Unwritable
from conformance.program import Instruction, Program

if TYPE_CHECKING:
    from conformance.clause import Case

# An engine that compiles is asked new structures at the indices 0, 8, 32, 72, 128 …: each stays longer than the one before, so
# that a short run has several, and a long one waits for compilers less and less.
_STRETCH: Final = 8
# So few structures must each be worth it: if little is said of more of its numbers, another is drawn, at most so often.
_OPEN: Final = 0.1
_ATTEMPTS: Final = 20


def derive(seed: int, *parts: str | int) -> int:
    """A seed for one use, from the run's seed and the names of the use."""
    text = "/".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def drawn(case: Case, index: int, seed: int, offered: frozenset[str], *, compiles: bool) -> Sketch:
    """The sketch of a case's random program; of an engine that compiles, most are an earlier one with other numbers.

    Raises NotOffered when the case needs what is not offered.
    """
    if not compiles:
        return _sketch(case, offered, derive(seed, case.id, index))
    first = structure(index)
    made = _worthwhile(case, first, seed, offered)
    return made if first == index else varied(made, Random(derive(seed, case.id, index)))


def _sketch(case: Case, offered: frozenset[str], seed: int) -> Sketch:
    made: Sketch = case.clause.test(Random(seed), offered=offered, **case.parameters)
    return made


def _worthwhile(case: Case, index: int, seed: int, offered: frozenset[str]) -> Sketch:
    """The sketch with an index, or one in its place of which more can be said."""
    made = _sketch(case, offered, derive(seed, case.id, index))
    for attempt in range(1, _ATTEMPTS):
        if _says_much(case, made, offered):
            break
        made = _sketch(case, offered, derive(seed, case.id, index, attempt))
    return made


def _says_much(case: Case, made: Sketch, offered: frozenset[str]) -> bool:
    assert case.clause.writer is not None
    try:
        program = case.clause.writer(made, offered)
    except Unwritable:
        return False
    found = list(_open_numbers(program))
    return sum(found) <= _OPEN * len(found)


def _open_numbers(program: Program) -> Iterator[bool]:
    """Of each number that lies in an enclosure, whether little is said of it."""
    for _, it in program.walk():
        if it.options.get("relation") == "near":
            value = it.options["value"]
            for place, (truth, allowed) in enumerate(zip(value["values"], value["allowed"], strict=True)):
                yield place in value.get("undecided", ()) or float(allowed) > WIDE * abs(Fraction(truth))


def structure(index: int) -> int:
    """The index of the program that this one has the structure of: itself, or an earlier one."""
    return _STRETCH * isqrt(abs(index) // _STRETCH) ** 2


def varied(made: Sketch, draw: Random) -> Sketch:
    """The same program with numbers near those it has: of the same sign, equal where they were equal, exact where they were."""

    def near(it: Instruction) -> Instruction:
        if it.verb != "leaf":
            return it
        value = it.options["value"]
        other = {text: _near(text, draw) for text in dict.fromkeys(value["values"])}
        texts = [other[text] for text in value["values"]]
        draw.shuffle(texts)
        return replace(it, options={**it.options, "value": {**value, "values": texts}})

    return replace(made, instructions=tuple(near(it) for it in made.instructions))


def _near(text: str, draw: Random) -> str:
    number = Fraction(text)
    if not 2.0**-100 < abs(number) < 2.0**100:  # special numbers, zeros among them, are meant as they are
        return text
    if number.denominator <= 2:
        return str(number * draw.choice((Fraction(1, 2), 1, 2)))
    return str(Fraction(float(np.float32(float(number) * draw.uniform(0.8, 1.25)))))
