"""All mathematics of the engine in one table: KERNELS, name -> Kernel."""

from __future__ import annotations

from . import elementwise, reductions, structure
from .rows import Kernel

KERNELS: dict[str, Kernel] = elementwise.ROWS | reductions.ROWS | structure.ROWS
