"""ad: numbers that carry their derivatives, in Python; arrays of them are NumPy's object arrays."""

from conformance.adapter import Adapter
from implementations.shapes.scalar import COMPOSED, object_arrays
from implementations.shapes.spellings import table

PRELUDE = """
import numpy as np
from ad import ADF, admath, adnumber

def box(entry):  # it refuses NumPy's functions by itself
    return np.array([entry, None], object)[0, ...] if isinstance(entry, ADF) else entry

def each(function, array):
    return np.frompyfunc(function, 1, 1)(box(array))

def number(entry):
    return getattr(entry, "x", entry)

def gradient(root, inputs):
    found = iter(np.asarray(box(root)).item().gradient([entry for x in inputs for entry in np.ravel(box(x))]))
    return [each(lambda _: next(found), x) for x in inputs]
"""
FUNCTIONS = "exp log log1p sqrt sin cos atan sinh cosh tanh"
ADAPTER = Adapter(
    name="ad",
    module="ad",
    prelude=PRELUDE.strip(),
    version="__import__('importlib.metadata').metadata.version('ad')",
    spellings=table(
        object_arrays(boxed=True),
        {name: f"each(admath.{name}, {{a}})" for name in FUNCTIONS.split()},
        {
            "leaf": "each(adnumber, {value})",
            "constant": "each(float, {value})",
            "abs": "each(abs, {a})",
            "value": "np.asarray(each(number, {a})).tolist()",
            "grad": "gradient({root}, [{inputs}]{options})",
            "grad.retain_graph": "",  # there is no graph
            "detach": "each(number, {a})",
        },
    ),
    composed=COMPOSED,
    dtypes={"float64": "float"},
    refusals=(
        ("unsupported", "ZeroDivisionError", "0.0 cannot be raised to a negative power"),
        ("unsupported", "AttributeError", "'(int|float)' object has no attribute 'gradient'"),  # of what is constant
        ("not_scalar", "ValueError", "can only convert an array of size 1"),
    ),
)
