"""torch.func: functions of torch's tensors are transformed, and no tensor knows of gradients."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import COMPARISONS, METHODS, table

OWN = {
    "leaf": "torch.tensor({value}, dtype={dtype})",
    "constant": "torch.tensor({value}, dtype={dtype})",
    "concat": "torch.cat([{a}, {b}], {axis})",
    "stack": "torch.stack([{a}, {b}], {axis})",
    "gather": "{a}.gather({axis}, torch.tensor({index}))",
    "pad": "torch.nn.functional.pad({a}, {widths})",
    "detach": "{a}.detach()",
    "gradient": "torch.func.grad({f}, argnums={positions})({inputs})",
    "vjp": "torch.func.vjp({f}, {inputs})[1]({cotangent})",
}

ADAPTER = Adapter(
    name="torchfunc",
    module="torch",
    prelude="import torch",
    version="torch.__version__",
    shape="functional",
    spellings=table(METHODS, COMPARISONS, OWN, {"unbind": None}),
    dtypes={"float64": "torch.float64", "float32": "torch.float32"},
    state={"default dtype": ("torch.get_default_dtype()", "torch.set_default_dtype(torch.float32)")},
    refusals=(
        ("not_scalar", "RuntimeError", "to return a scalar Tensor"),
        ("shape_mismatch", "RuntimeError", "Mismatch in shape: grad_output"),
    ),
)
