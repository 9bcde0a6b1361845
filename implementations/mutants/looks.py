"""Mutants of how gradients look: shapes and dtypes.

No clause names them: they are planted for random programs alone.
"""

from __future__ import annotations

from typing import Final

from implementations.mutants.table import Mutant, reference

LOOKS: Final[tuple[Mutant, ...]] = (
    reference(
        "gradients_are_flat",
        "the gradient of a matrix is a vector of its elements",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent)
            leaf._grad = core.Tensor(leaf.grad.data.ravel()) if leaf.data.ndim == 2 else leaf._grad
        core.accumulate = accumulate
        """,
    ),
    reference(
        "gradients_of_squares_are_transposed",
        "the gradient of a square matrix is transposed",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent.t() if leaf.data.ndim == 2 and leaf.shape[0] == leaf.shape[1] else cotangent)
        core.accumulate = accumulate
        """,
    ),
    reference(
        "products_with_numbers_are_double",
        "a product of float32 with a number is float64",
        """
        def record(operator, *arguments, right=core.record, **options):
            result = right(operator, *arguments, **options)
            if operator == "mul" and not all(isinstance(it, core.Tensor) for it in arguments):
                result.data = result.data.astype("float64")
            return result
        core.record = record
        """,
    ),
    reference(
        "empty_leaves_receive_nothing",
        "a leaf without elements has no gradient after backward",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            if leaf.data.size:
                right(leaf, cotangent)
        core.accumulate = accumulate
        """,
    ),
    reference(
        "lone_rows_lose_an_axis",
        "the gradient of a matrix of one row is a vector",
        """
        def accumulate(leaf, cotangent, right=core.accumulate):
            right(leaf, cotangent)
            if leaf.data.ndim == 2 and leaf.shape[0] == 1:
                leaf._grad = core.Tensor(leaf.grad.data[0])
        core.accumulate = accumulate
        """,
    ),
    reference(
        "functional_gradients_are_single",
        "what grad() returns is float32",
        """
        def grad(*arguments, right=reference.grad, **options):
            return tuple(it if it is None else it.cast("float32") for it in right(*arguments, **options))
        reference.grad = grad
        """,
    ),
    reference(
        "reshaping_goes_down_columns",
        "the derivative of reshape reads elements column after column",
        """
        forward, _ = core.OPERATORS["reshape"]
        def vjp(g, s, *_):
            return g.reshape(tuple(reversed(s))).t() if len(s) == 2 else g.reshape(s)
        core.OPERATORS["reshape"] = (forward, vjp)
        """,
    ),
    reference(
        "gradients_of_columns_are_averaged",
        "a gradient is averaged over an axis of extent 1 that broadcasting stretched",
        """
        def unbroadcast(cotangent, edge, right=rules.unbroadcast):
            total = right(cotangent, edge)
            stretched = cotangent.data.ndim == len(edge.shape) and 0 < total.data.size < cotangent.data.size
            return total * (total.data.size / cotangent.data.size) if stretched else total
        rules.unbroadcast = unbroadcast
        """,
    ),
)
