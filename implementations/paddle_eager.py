"""PaddlePaddle, eager tensors: torch's protocol under other names, where `stop_gradient` is the flag."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import BACKWARD, COMPARISONS, IN_PLACE, METHODS, table

PRELUDE = """
import paddle

def full(a, b):  # what is written is a tensor
    return b if isinstance(b, paddle.Tensor) else paddle.full_like(a, b)
"""

OPERATORS = {
    "relu": "paddle.nn.functional.relu({a})",
    "clamp": "{a}.clip({low}, {high})",
    "where": "paddle.where({a}, {b}, {c})",
    "var": "{a}.var(unbiased=False)",
    "var_axis": "{a}.var({axis}, unbiased=False, keepdim={keepdim})",
    "norm_axis": "{a}.norm(axis={axis}, keepdim={keepdim})",
    "permute": "{a}.transpose({axes})",
    "index.list": "{a}[{index}]",
    "gather": "{a}.take_along_axis(paddle.to_tensor({index}), {axis}, broadcast=False)",
    "concat": "paddle.concat([{a}, {b}], {axis})",
    "stack": "paddle.stack([{a}, {b}], {axis})",
    "pad": "paddle.nn.functional.pad({a}, [0, 0] * ({a}.ndim - 1) + {widths}, pad_from_left_axis=True)",
}

PROTOCOL = {
    "leaf": "paddle.to_tensor({value}, dtype={dtype}, stop_gradient=False)",
    "constant": "paddle.to_tensor({value}, dtype={dtype})",
    "backward.cotangent": "{cotangent}",
    "backward.create_graph": None,
    "backward.inputs": None,
    "grad": "paddle.grad({root}, [{inputs}]{options})",
    "clear.zero": "{a}.clear_grad()",
    "retain_grad": "{a}.retain_grads()",
    "no_grad": "paddle.no_grad()",
    "enable_grad": "paddle.enable_grad()",
    "grad_enabled": "paddle.is_grad_enabled()",
    "requires_grad": "not {a}.stop_gradient",
    "recorded": "{a}.grad_fn is not None",
    "version": "{a}.inplace_version",
    "write.add": "{a}.add_(full({a}, {b}))",
    "write.mul": "{a}.multiply_(full({a}, {b}))",
    "node_name": None,
    "text": None,
}

ADAPTER = Adapter(
    name="paddle",
    module="paddle",
    prelude=PRELUDE.strip(),
    version="paddle.__version__",
    spellings=table(METHODS, BACKWARD, COMPARISONS, IN_PLACE, OPERATORS, PROTOCOL),
    dtypes={"float64": "'float64'", "float32": "'float32'"},
    state={"grad mode": ("paddle.is_grad_enabled()", "paddle.set_grad_enabled(True)")},
    refusals=(
        ("shape_mismatch", "AssertionError", "Tensor shape not match"),
        ("graph_freed", "SystemError", "backward twice for the same subgraph"),
        ("unused_input", "ValueError", "does not appear in the backward graph"),
        ("leaf_in_place", "ValueError", "doesn't stop gradient can't use inplace strategy"),
        ("version_conflict", "RuntimeError", "modified by an inplace operation"),
        ("unsupported", "RuntimeError", "doesn't have any grad op"),
        ("unsupported", "ValueError", "Input dimension size should be equal to"),  # a derivative of @ that broadcasts
    ),
)
