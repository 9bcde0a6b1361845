"""HIPS autograd: functions of NumPy arrays are transformed."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import numpy_named
from implementations.shapes.spellings import table

ADAPTER = Adapter(
    name="autograd",
    module="autograd",
    prelude="import autograd.numpy as np\nfrom autograd import grad, make_vjp\nfrom autograd.tracer import getval",
    version="__import__('importlib.metadata').metadata.version('autograd')",
    shape="functional",
    spellings=table(
        numpy_named("np"),
        {
            "leaf": "np.array({value}, dtype={dtype})",
            "constant": "np.array({value}, dtype={dtype})",
            "expand": "np.broadcast_to({a}, tuple({shape}))",
            "flip": None,  # like take_along_axis without a derivative
            "detach": "getval({a})",
            "gradient": "grad({f}, {positions})({inputs})",
            "vjp": "make_vjp({f}, {positions})({inputs})[0]({cotangent})",
        },
    ),
    dtypes={"float64": "np.float64", "float32": "np.float32"},
    refusals=(
        ("not_scalar", "TypeError", "Grad only applies to real scalar-output functions"),
        ("shape_mismatch", "ValueError", "could not be broadcast together"),
        ("unsupported", "AssertionError", "Can't handle extra leading dims"),
        ("unsupported", "ValueError", "non-broadcastable output operand"),
    ),
)
