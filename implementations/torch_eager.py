"""torch, eager tensors."""

from conformance.adapter import Adapter
from implementations.shapes import spellings as shared

OWN = {
    "native": "torch",
    "grad": "torch.autograd.grad({root}, [{inputs}]{options})",
    "pad": "torch.nn.functional.pad({a}, {widths})",
}

ADAPTER = Adapter(
    name="torch",
    module="torch",
    prelude="import torch",
    version="torch.__version__",
    spellings=shared.table(shared.torch_protocol("torch"), shared.COMPARISONS, shared.GRAPHS, shared.IN_PLACE, OWN),
    dtypes={"float64": "torch.float64", "float32": "torch.float32", "int64": "torch.int64"},
    speaks=("torch",),
    state={
        **shared.grad_mode_state("torch"),
        "default dtype": ("torch.get_default_dtype()", "torch.set_default_dtype(torch.float32)"),
    },
    refusals=shared.TORCH_REFUSALS,
)
