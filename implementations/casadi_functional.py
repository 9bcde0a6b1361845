"""CasADi: expressions of single numbers in C++; arrays of them are NumPy's object arrays."""

from conformance.adapter import Adapter
from implementations.shapes.scalar import COMPOSED, object_arrays
from implementations.shapes.spellings import table

# CasADi differentiates an expression by a vector of its symbols; a Function of both takes numbers and expressions.
PRELUDE = """
import casadi as ca
import numpy as np

def box(entry):  # else NumPy would ask CasADi, which would take an array for a matrix
    return np.array([entry, None], object)[0, ...] if isinstance(entry, ca.SX) else entry

def each(function, *arrays):
    return np.frompyfunc(function, len(arrays), 1)(*map(box, arrays))

def entries(arrays):
    return ca.vertcat(ca.SX(0, 1), *[entry for array in arrays for entry in np.ravel(box(array))])

def derivative(function, inputs, of):
    symbols = [each(lambda _: ca.SX.sym("x"), x) for x in inputs]
    found = ca.Function("derivative", [entries(symbols)], [of(function(*symbols), entries(symbols))])(entries(inputs))
    flat = iter(ca.vertsplit(ca.densify(found)))
    return [each(lambda _: next(flat), x) for x in inputs]

def gradient(function, inputs):
    return derivative(function, inputs, lambda y, x: ca.gradient(ca.SX(np.asarray(box(y)).item()), x))

def vjp(function, inputs, cotangent):
    return derivative(function, inputs, lambda y, x: ca.jtimes(entries([y]), x, entries([cotangent]), True))
"""
UNARY = "exp log log1p sqrt sin cos atan sinh cosh tanh"
ADAPTER = Adapter(
    name="casadi",
    module="casadi",
    prelude=PRELUDE.strip(),
    version="ca.__version__",
    shape="functional",
    spellings=table(
        object_arrays(boxed=True),
        {name: f"each(ca.{name}, {{a}})" for name in UNARY.split()},
        {
            "leaf": "each(ca.SX, {value})",
            "constant": "each(ca.SX, {value})",
            "abs": "each(ca.fabs, {a})",
            "maximum": "each(ca.fmax, {a}, {b})",
            "minimum": "each(ca.fmin, {a}, {b})",
            "value": "np.asarray(box(each(float, {a}))).tolist()",
            "gradient": "gradient({f}, [{inputs}])",
            "vjp": "vjp({f}, [{inputs}], {cotangent})",
        },
    ),
    composed=COMPOSED,
    dtypes={"float64": "float"},
    refusals=(
        ("not_scalar", "ValueError", "can only convert an array of size 1"),
        ("shape_mismatch", "RuntimeError", "Error in SX::jtimes"),
    ),
)
