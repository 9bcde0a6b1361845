"""num-dual: forward mode by dual numbers in Rust; arrays of them are NumPy's object arrays."""

from conformance.adapter import Adapter
from implementations.shapes.scalar import COMPOSED, object_arrays
from implementations.shapes.spellings import table

# num-dual differentiates functions of one list of numbers.
PRELUDE = """
import numpy as np
import num_dual

def each(function, array):
    return np.frompyfunc(function, 1, 1)(array)

def number(entry):
    return getattr(entry, "value", entry)

def gradient(function, inputs):
    places = np.cumsum([0] + [np.size(x) for x in inputs])
    def folded(flat):
        return [np.reshape(flat[a:b], np.shape(x))[()] for a, b, x in zip(places, places[1:], inputs)]
    flat = [entry for x in inputs for entry in np.ravel(x)]
    def dual(numbers):  # a result on which they have no effect is made a dual number
        y = np.asarray(function(*folded(numbers))).item()
        return type(numbers[0]).from_re(y) if isinstance(y, float) else y
    return folded(num_dual.gradient(dual, flat)[1] if flat else [])

def vjp(function, inputs, cotangent):  # by the engine's own sum of products: it has forward mode alone
    return gradient(lambda *xs: np.sum(np.multiply(function(*xs), cotangent)), inputs)
"""
FUNCTIONS = "exp log log1p sqrt sin cos sinh cosh tanh"  # NumPy calls the methods of these names
ADAPTER = Adapter(
    name="numdual",
    module="num_dual",
    prelude=PRELUDE.strip(),
    version="__import__('importlib.metadata').metadata.version('num-dual')",
    shape="functional",
    spellings=table(
        object_arrays(),
        {name: f"np.{name}({{a}})" for name in FUNCTIONS.split()},
        {
            "leaf": "np.array({value}, {dtype})[()]",
            "constant": "np.array({value}, {dtype})[()]",
            "atan": "np.arctan({a})",
            "value": "np.asarray(each(number, {a})).tolist()",
            "detach": "np.asarray(each(number, {a}), float)[()]",
            "gradient": "gradient({f}, [{inputs}])",
            "vjp": "vjp({f}, [{inputs}], {cotangent})",
        },
    ),
    composed=COMPOSED,
    dtypes={"float64": "float"},
    refusals=(
        ("not_scalar", "ValueError", "can only convert an array of size 1"),
        ("shape_mismatch", "ValueError", "could not be broadcast together"),
        ("unsupported", "TypeError", "argument .x.: must be a list"),  # of numbers: no gradient in a gradient
    ),
)
