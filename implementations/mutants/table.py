"""A mutant: one fault, as statements that patch an engine from outside. The modules beside this one are tables of them.

Patches are printed at the top of every witness, so a mutant's script is complete. They replace what an engine looks up when
it is called, and nothing in an engine knows about them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent
from typing import Final


@dataclass(frozen=True)
class Mutant:
    """One engine broken in one way. `operator`: the operator that it breaks, where it breaks just one."""

    name: str
    of: str
    fault: str
    patch: str
    operator: str | None = None


_MODULES: Final = ("core", "errors", "inplace", "legacy", "order", "refusals", "rules", "text", "values")


def reference(name: str, fault: str, patch: str, operator: str | None = None) -> Mutant:
    """The reference engine with one fault; the patch names the engine's modules, which are imported for it."""
    used = [module for module in _MODULES if re.search(rf"(?<![.\w]){module}\.", patch)]
    imports = f"from implementations.reference import {', '.join(used)}\n" if used else ""
    return Mutant(name, "reference", fault, imports + dedent(patch).strip(), operator)


def torch(name: str, fault: str, patch: str) -> Mutant:
    """torch with one fault."""
    return Mutant(name, "torch", fault, dedent(patch).strip())


# What patches of kernels are written with: a row of the table changed in part, and numbers sent through a shorter dtype.
_ROWS: Final = """
from dataclasses import replace
import numpy as np
from implementations.kernels import sweep
from implementations.kernels.kernels import KERNELS
from implementations.kernels.rows import raw
def row(name, **changes):
    KERNELS[name] = replace(KERNELS[name], **changes)
def through(k, dtype, value):
    return k("cast", k("cast", value, dtype=dtype), dtype=raw(value).dtype)
"""


def kernels(name: str, fault: str, patch: str, operator: str | None = None) -> Mutant:
    """The engine of kernels with one fault; `row` changes a row of its table in part."""
    return Mutant(name, "kernels", fault, _ROWS.lstrip() + dedent(patch).strip(), operator)
