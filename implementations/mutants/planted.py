"""Faults that random programs must find, by subject."""

from __future__ import annotations

from dataclasses import dataclass

from implementations.mutants.table import Mutant


@dataclass(frozen=True)
class Planted:
    """A mutant, and what it is a fault of."""

    mutant: Mutant
    subject: str
