"""The operators: one frozen record each.

`forward` is written for object arrays of exact or dual numbers, so that it is the operator's derivative rule as well: the model
differentiates by running it on dual numbers.
"""

from conformance.operators.table import OPERATORS, Operator

__all__ = ["OPERATORS", "Operator"]
