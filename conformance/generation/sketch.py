"""A program before it is known what must be observed of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from conformance.program import Instruction, Program


@dataclass(frozen=True)
class Sketch:
    """Instructions without expectations, which may be cut and changed at will: a writer leaves out what no longer makes sense.

    kinds: what was put into it on purpose (ties, a second order …), for the summary of what was generated.
    """

    dtype: str
    instructions: tuple[Instruction, ...]
    kinds: tuple[str, ...] = field(default=(), compare=False)


class Unwritable(Exception):
    """Nothing can be said of a sketch's program: it leaves the range of its dtype, nothing is left …; the text says why."""


# Plays a sketch on the model and makes of it a program that expects something; raises Unwritable. It looks at what the keys of an
# adapter offer.
Writer = Callable[[Sketch, Collection[str]], Program]
