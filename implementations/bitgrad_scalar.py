"""bitgrad: one number a Value; arrays of them are NumPy's object arrays."""

from conformance.adapter import Adapter
from implementations.shapes.scalar import COMPOSED, object_arrays
from implementations.shapes.spellings import table

PRELUDE = """
import numpy as np
from bitgrad.engine import Value

def each(function, array):
    return np.frompyfunc(function, 1, 1)(array)

def number(entry):
    return entry.data if isinstance(entry, Value) else entry

def zero(value):
    value.grad = 0.0
"""
ADAPTER = Adapter(
    name="bitgrad",
    module="bitgrad",
    prelude=PRELUDE.strip(),
    version="__import__('importlib.metadata').metadata.version('bitgrad')",
    spellings=table(
        object_arrays(),
        {
            "leaf": "each(Value, {value})",
            "constant": "each(Value, {value})",
            "div": None,
            "tanh": "each(Value.tanh, {a})",
            "value": "np.asarray(each(number, {a})).tolist()",
            "grad_of": "each(lambda v: v.grad, {a})",
            "backward": "np.asarray({root}).item().backward()",
            "clear.zero": "each(zero, {a})",
        },
    ),
    composed=COMPOSED,
    dtypes={"float64": "float"},
    refusals=(
        ("unsupported", "ZeroDivisionError", "0.0 cannot be raised to a negative power"),
        ("unsupported", "AttributeError", "'int' object has no attribute 'backward'"),  # of a sum of nothing
        ("unsupported", "TypeError", "unsupported operand type"),  # of a number's product with a Value
        ("not_scalar", "ValueError", "can only convert an array of size 1"),
    ),
)
