"""Random programs: combinations that nobody wrote down."""

from __future__ import annotations

from random import Random

from conformance.clause import clause
from conformance.generation import Sketch, enclosing, functional, protocol, watching


@clause("law", mutant="mul_counts_one_use", writer=enclosing.write, kind=tuple(functional.KINDS))
def test_functional(draw: Random, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """However operators are combined, values and gradients are the true ones, but for what rounding in the dtype can do."""
    return functional.generate(draw, dtype, kind, offered)


@clause("contract", mutant="accumulate_overwrites", writer=watching.write, kind=tuple(protocol.KINDS))
def test_protocol(draw: Random, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """In whatever order recording, backward, clearing, detaching, modes, hooks and writes come, each does what it says."""
    return protocol.generate(draw, dtype, kind, offered)
