"""Engines broken on purpose, each in one way: what every clause must be able to see."""

from implementations.mutants.accumulation import ACCUMULATION
from implementations.mutants.conventions import CONVENTIONS
from implementations.mutants.dialects import DIALECTS
from implementations.mutants.disagreements import DISAGREEMENTS
from implementations.mutants.functional_grad import FUNCTIONAL_GRAD
from implementations.mutants.gradients import GRADIENTS
from implementations.mutants.history import HISTORY
from implementations.mutants.hooks import HOOKS, INSIDE_HOOKS
from implementations.mutants.in_place import IN_PLACE
from implementations.mutants.leaves import LEAVES
from implementations.mutants.lifetime import LIFETIME
from implementations.mutants.looks import LOOKS
from implementations.mutants.mathematics import MATHEMATICS
from implementations.mutants.memory import MEMORY
from implementations.mutants.modes import MODES
from implementations.mutants.numeric import NUMERIC
from implementations.mutants.planted import Planted, planted
from implementations.mutants.table import Mutant
from implementations.mutants.text import TEXT
from implementations.mutants.torch_faults import TORCH_FAULTS
from implementations.mutants.variables import VARIABLES

_TABLES = (
    *(MATHEMATICS, ACCUMULATION, LEAVES, HOOKS, FUNCTIONAL_GRAD, MODES, LIFETIME, TEXT, IN_PLACE, CONVENTIONS),
    *(DIALECTS, VARIABLES, TORCH_FAULTS),
)
MUTANTS: dict[str, Mutant] = {mutant.name: mutant for table in _TABLES for mutant in table}

# Every mutant: those that clauses name, and those that only random programs and the corpus are asked to find.
_UNNAMED = (NUMERIC, INSIDE_HOOKS, GRADIENTS, HISTORY, MEMORY, LOOKS, DISAGREEMENTS)
FAULTS: dict[str, Mutant] = MUTANTS | {mutant.name: mutant for table in _UNNAMED for mutant in table}
PLANTED: dict[str, Planted] = planted(FAULTS)

__all__ = ["FAULTS", "MUTANTS", "PLANTED", "Mutant", "Planted"]
