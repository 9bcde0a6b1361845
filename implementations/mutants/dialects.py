"""Mutants of what only a dialect says: names, texts, warnings, identities. Some are faults of torch, patched from outside."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant

DIALECTS: Final[tuple[Mutant, ...]] = ()
