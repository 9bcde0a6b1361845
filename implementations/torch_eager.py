"""torch, eager tensors."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import grad_mode_state, table, torch_protocol

ADAPTER = Adapter(
    name="torch",
    module="torch",
    prelude="import torch",
    version="torch.__version__",
    spellings=table(torch_protocol("torch"), {"grad": "torch.autograd.grad({root}, [{inputs}]{options})"}),
    dtypes={"float64": "torch.float64", "float32": "torch.float32"},
    speaks=("torch",),
    state={
        **grad_mode_state("torch"),
        "default dtype": ("torch.get_default_dtype()", "torch.set_default_dtype(torch.float32)"),
    },
    refusals=(
        ("not_scalar", "RuntimeError", "grad can be implicitly created only for scalar outputs"),
        ("shape_mismatch", "RuntimeError", "Mismatch in shape"),
        ("needs_grad", "RuntimeError", "does(n't| not) require grad|requires_grad=False"),
        ("graph_freed", "RuntimeError", "backward through the graph a second time"),
        ("not_leaf", "RuntimeError", "you can only change requires_grad flags of leaf variables"),
        ("no_gradient", "AttributeError", "'NoneType' object has no attribute 'zero_'"),
        ("unused_input", "RuntimeError", "appears to not have been used in the graph"),
    ),
)
