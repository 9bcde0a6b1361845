"""The kernel engine of this project: whole-array NumPy kernels."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import COMPARISONS, GRAPHS, IN_PLACE, grad_mode_state, table, torch_protocol

GATHER = {"gather": "{a}.gather({axis}, kernels.tensor({index}, dtype='int64'))"}

ADAPTER = Adapter(
    name="kernels",
    module="implementations.kernels",
    prelude="from implementations import kernels",
    version="kernels.__version__",
    spellings=table(torch_protocol("kernels"), COMPARISONS, GRAPHS, IN_PLACE, GATHER),
    dtypes={"float64": "'float64'", "float32": "'float32'", "int64": "'int64'"},
    speaks=("torch",),
    state=grad_mode_state("kernels"),
    refusals=(
        ("not_scalar", "NotScalar", ""),
        ("shape_mismatch", "ShapeMismatch", ""),
        ("shape_mismatch", "ValueError", "a product of shapes|does not fit in the memory"),
        (
            "shape_mismatch",
            "ValueError",
            "could not broadcast input|could not be broadcast to indexing|with a sequence",
        ),
        ("shape_mismatch", "HookError", "changed the size"),
        ("needs_grad", "NeedsGrad", ""),
        ("needs_grad", "HookError", "doesn't require gradient"),
        ("graph_freed", "GraphFreed", ""),
        ("version_conflict", "VersionConflict", ""),
        ("leaf_in_place", "LeafInPlace", ""),
        ("not_leaf", "NotALeaf", ""),
        ("no_gradient", "AttributeError", "zero_"),
        ("dtype", "NotFloating", ""),
        ("unused_input", "UnusedInput", ""),
    ),
)
