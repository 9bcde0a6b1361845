"""Engines broken on purpose, each in one way: what every clause must be able to see."""

from implementations.mutants.dialects import DIALECTS
from implementations.mutants.table import TABLE, Mutant

MUTANTS: dict[str, Mutant] = {mutant.name: mutant for mutant in (*TABLE, *DIALECTS)}

__all__ = ["MUTANTS", "Mutant"]
