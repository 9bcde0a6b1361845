"""Random programs: combinations that nobody wrote down, and the smallest that once showed a fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from conformance.clause import clause
from conformance.corpus import corpus
from conformance.generation import Sketch, enclosing, functional, protocol, watching
from conformance.program import Program

CORPUS: Final = {entry.name: entry for entry in corpus()}


@clause("contract", mutant="accumulate_overwrites", stored=True, witness=tuple(CORPUS))
def test_corpus(witness: str, dtype: str) -> Iterator[Program]:
    """What once was wrong in some engine is right: the smallest programs that showed it."""
    yield replace(CORPUS[witness].program, dtype=dtype)


@clause("law", mutant="mul_counts_one_use", writer=enclosing.write, kind=tuple(functional.KINDS))
def test_functional(draw: Random, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """However operators are combined, values and gradients are the true ones, but for what rounding in the dtype can do."""
    return functional.generate(draw, dtype, kind, offered)


@clause("contract", mutant="accumulate_overwrites", writer=watching.write, kind=tuple(protocol.KINDS))
def test_protocol(draw: Random, dtype: str, kind: str, offered: frozenset[str]) -> Sketch:
    """In whatever order recording, backward, clearing, detaching, modes, hooks and writes come, each does what it says."""
    return protocol.generate(draw, dtype, kind, offered)
