"""The reference engine of this project; it also speaks the pre-0.4 Variable API."""

from conformance.adapter import Adapter
from implementations.shapes.spellings import COMPARISONS, IN_PLACE, OLD_VARIABLE, grad_mode_state, table, torch_protocol

VARIABLE = {
    "variable": "reference.Variable(reference.tensor({value}, dtype={dtype}), {requires_grad}, volatile={volatile})",
    "rewrap": "reference.Variable({a}.data, requires_grad={requires_grad})",
    "is_variable": "isinstance({a}, reference.Variable)",
    "shares_memory": "{a}.data.ctypes.data == {b}.data.ctypes.data",
}

GATHER = {"gather": "{a}.gather({axis}, reference.tensor({index}, dtype='int64'))"}

ADAPTER = Adapter(
    name="reference",
    module="implementations.reference",
    prelude="from implementations import reference",
    version="reference.__version__",
    spellings=table(torch_protocol("reference"), COMPARISONS, IN_PLACE, OLD_VARIABLE, VARIABLE, GATHER),
    dtypes={name: repr(name) for name in ("float64", "float32", "int64")},
    speaks=("torch", "variable"),
    state=grad_mode_state("reference"),
    refusals=(
        ("not_scalar", "NotScalar", ""),
        ("shape_mismatch", "ShapeMismatch", ""),
        ("shape_mismatch", "HookError", "changed the size"),
        (
            "shape_mismatch",
            "ValueError",
            "this product takes|could not broadcast input|could not be broadcast to indexing|with a sequence"
            "|cannot select an axis to squeeze",
        ),
        ("needs_grad", "NeedsGrad", ""),
        ("needs_grad", "HookError", "doesn't require gradient"),
        ("graph_freed", "GraphFreed", ""),
        ("unused_input", "UnusedInput", ""),
        ("not_leaf", "NotALeaf", ""),
        ("no_gradient", "AttributeError", "zero_"),
        ("dtype", "NotFloating", ""),
        ("leaf_in_place", "LeafInPlace", ""),
        ("version_conflict", "VersionConflict", ""),
    ),
)
