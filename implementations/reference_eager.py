"""The reference engine of this project; it also speaks the pre-0.4 Variable API."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import grad_mode_state, table, torch_protocol

VARIABLE = {
    "variable": "reference.Variable(reference.tensor({value}, dtype={dtype}).data, {requires_grad}, volatile={volatile})",
    "is_volatile": "{a}.volatile",
}

ADAPTER = Adapter(
    name="reference",
    module="implementations.reference",
    prelude="from implementations import reference",
    version="reference.__version__",
    spellings=table(torch_protocol("reference"), VARIABLE),
    speaks=("torch", "variable"),
    state=grad_mode_state("reference"),
    refusals=(
        ("not_scalar", "NotScalar", ""),
        ("shape_mismatch", "ShapeMismatch", ""),
        ("needs_grad", "NeedsGrad", ""),
        ("graph_freed", "GraphFreed", ""),
        ("unused_input", "UnusedInput", ""),
    ),
)
