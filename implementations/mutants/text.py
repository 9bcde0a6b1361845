"""Mutants of names and printed text."""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

TEXT: Final[tuple[Mutant, ...]] = (
    reference(
        "node_names_are_swapped",
        "a product's node is named after a sum",
        'core.NODES["mul"].__name__ = "AddBackward0"',
        operator="mul",
    ),
    reference(
        "printed_text_hides_the_flag",
        "the printed form shows neither requires_grad nor grad_fn",
        "values.tensor_text = lambda data, suffixes, right=values.tensor_text: right(data, [])",
    ),
    reference(
        "numbers_are_printed_by_numpy",
        "numbers are printed as NumPy prints them",
        """
        text.array_text = lambda data, number, indent: repr(data.tolist())
        """,
    ),
    reference(
        "everything_shows_the_flag",
        "every tensor is printed as if it required grad",
        """
        values.tensor_text = lambda data, suffixes, right=values.tensor_text: right(data, ["requires_grad=True"])
        """,
    ),
)
