"""The kernel engine of this project: whole-array NumPy kernels."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import grad_mode_state, torch_protocol

ADAPTER = Adapter(
    name="kernels",
    module="implementations.kernels",
    prelude="from implementations import kernels",
    version="kernels.__version__",
    spellings=torch_protocol("kernels"),
    speaks=("torch",),
    state=grad_mode_state("kernels"),
    refusals=(
        ("not_scalar", "NotScalar", ""),
        ("shape_mismatch", "ShapeMismatch", ""),
        ("needs_grad", "NeedsGrad", ""),
        ("graph_freed", "GraphFreed", ""),
        ("unused_input", "UnusedInput", ""),
    ),
)
