"""torch, eager tensors."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import (
    COMPARISONS,
    GRAPHS,
    IN_PLACE,
    TORCH_REFUSALS,
    grad_mode_state,
    table,
    torch_protocol,
)

OWN = {"native": "torch", "grad": "torch.autograd.grad({root}, [{inputs}]{options})"}

ADAPTER = Adapter(
    name="torch",
    module="torch",
    prelude="import torch",
    version="torch.__version__",
    spellings=table(torch_protocol("torch"), COMPARISONS, GRAPHS, IN_PLACE, OWN),
    dtypes={"float64": "torch.float64", "float32": "torch.float32", "int64": "torch.int64"},
    speaks=("torch",),
    state={
        **grad_mode_state("torch"),
        "default dtype": ("torch.get_default_dtype()", "torch.set_default_dtype(torch.float32)"),
    },
    refusals=TORCH_REFUSALS,
)
