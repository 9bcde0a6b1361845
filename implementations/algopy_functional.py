"""AlgoPy: a graph of NumPy functions is traced once, then differentiated at Taylor polynomials."""

from conformance.adapter import Adapter
from implementations.shapes.array_functions import numpy_named
from implementations.shapes.spellings import table

PRELUDE = """
import algopy
import numpy as np

def traced(function, inputs):
    graph = algopy.CGraph()
    graph.independentFunctionList = [algopy.Function(x) for x in inputs]
    graph.dependentFunctionList = [function(*graph.independentFunctionList)]
    graph.trace_off()
    return graph

def polynomial(x):
    return algopy.UTPM(np.reshape(x, (1, 1) + np.shape(x)))

def vjp(function, inputs, cotangent):
    graph = traced(function, inputs)
    graph.pushforward([polynomial(x) for x in inputs])
    graph.pullback([polynomial(cotangent)])
    return [x.xbar.data[0, 0] for x in graph.independentFunctionList]
"""
OFFERED = "scalar add sub mul div neg pow index exp log log1p sqrt sin cos square reciprocal sum prod outer transpose"
NAMED = numpy_named("algopy")
ADAPTER = Adapter(
    name="algopy",
    module="algopy",
    prelude=PRELUDE.strip(),
    version="algopy.__version__",
    shape="functional",
    spellings=table(
        {key: NAMED[key] for key in OFFERED.split()},
        dict.fromkeys(("mm", "dot"), "algopy.dot({a}, {b})"),
        {
            "leaf": "np.array({value}, dtype={dtype})",
            "constant": "np.array({value}, dtype={dtype})",
            "reshape": "algopy.reshape({a}, tuple({shape}))",
            "abs": "algopy.absolute({a})",
            "value": "np.asarray({a}).tolist()",
            "shape": "np.shape({a})",
            "dtype": "{a}.dtype",
            "gradient": "traced({f}, [{inputs}]).gradient([{inputs}])",
            "vjp": "vjp({f}, [{inputs}], {cotangent})",
        },
    ),
    dtypes={"float64": "float"},
    refusals=(
        ("not_scalar", "Exception", "gradient of a non-scalar valued function"),
        ("unused_input", "AttributeError", "'numpy.ndarray' object has no attribute 'x'"),
        ("shape_mismatch", "Exception", "tried to initialize the bar value"),
        ("unsupported", "Exception", "pushforward of node|pullback of node"),
    ),
)
