"""tinygrad: lazy tensors, all of which gradients flow to; its back end needs clang, or the variable DEV."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import COMPARISONS, METHODS, table

OPERATORS = {
    "leaf": "Tensor({value}, dtype={dtype}).clone()",  # a number alone is a literal of the graph, without memory
    "constant": "Tensor({value}, dtype={dtype}).clone()",
    "dtype": "NAMES.get({a}.dtype, {a}.dtype)",
    "abs": "{a}.abs()",
    "where": "{a}.where({b}, {c})",
    "max_axis": "{a}.max({axis}, keepdim={keepdim})",
    "mv": "{a} @ {b}",
    "mm": "{a}.matmul({b})",
    "transpose": "{a}.T",
    "gather": "{a}.gather({axis}, Tensor({index}))",
    "concat": "Tensor.cat({a}, {b}, dim={axis})",
    "stack": "Tensor.stack({a}, {b}, dim={axis})",
    "pad": "{a}.pad({widths})",
    **dict.fromkeys(("log1p", "norm", "norm_axis", "outer"), None),
}

PROTOCOL = {
    "backward": "{root}.backward({arguments})",
    "backward.cotangent": "{cotangent}",
    "backward.retain_graph": "",  # graphs are kept
    "grad_of": "{a}.grad",
    "grad": "{root}.gradient({inputs}{options})",
    "grad.cotangent": "gradient={cotangent}",
    "grad.retain_graph": "",
    "grad.create_graph": "",
    "clear.none": "{a}.grad = None",
    "set_grad": "{a}.grad = {b}",
    "detach": "{a}.detach()",
    "same": "{a} is {b}",
}

ADAPTER = Adapter(
    name="tinygrad",
    module="tinygrad",
    prelude="from tinygrad import Tensor, dtypes\nNAMES = {dtypes.float64: 'float64', dtypes.float32: 'float32'}",
    version="__import__('importlib.metadata').metadata.version('tinygrad')",
    spellings=table(METHODS, COMPARISONS, OPERATORS, PROTOCOL),
    dtypes={"float64": "dtypes.float64", "float32": "dtypes.float32"},
    compiles=True,
    refusals=(
        ("not_scalar", "AssertionError", "backward must be called on a scalar tensor"),
        ("shape_mismatch", "IndexError", "shape mismatch"),
        ("shape_mismatch", "AssertionError", "grad shape must match tensor shape"),
        ("unsupported", "AssertionError", "memory coalescing should be on INDEX"),  # its compiler gives up
    ),
)
