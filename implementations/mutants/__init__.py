"""Engines broken on purpose, each in one way: what every clause must be able to see."""

from implementations.mutants.table import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant"]
