"""Tables of spellings, and how an adapter overrides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Python's own operators, and the names that most array libraries give their methods.
METHODS: Final = {
    "scalar": "{value}",
    "add": "{a} + {b}",
    "sub": "{a} - {b}",
    "mul": "{a} * {b}",
    "div": "{a} / {b}",
    "neg": "-{a}",
    "pow": "{a} ** {b}",
    "matmul": "{a} @ {b}",
    "abs": "abs({a})",
    "exp": "{a}.exp()",
    "log": "{a}.log()",
    "log1p": "{a}.log1p()",
    "sqrt": "{a}.sqrt()",
    "sin": "{a}.sin()",
    "cos": "{a}.cos()",
    "atan": "{a}.atan()",
    "sinh": "{a}.sinh()",
    "cosh": "{a}.cosh()",
    "tanh": "{a}.tanh()",
    "sigmoid": "{a}.sigmoid()",
    "relu": "{a}.relu()",
    "square": "{a}.square()",
    "reciprocal": "{a}.reciprocal()",
    "clamp": "{a}.clamp({low}, {high})",
    "maximum": "{a}.maximum({b})",
    "minimum": "{a}.minimum({b})",
    "where": "{b}.where({a}, {c})",
    "sum": "{a}.sum()",
    "mean": "{a}.mean()",
    "prod": "{a}.prod()",
    "max": "{a}.max()",
    "norm": "{a}.norm()",
    "var": "{a}.var(correction=0)",
    "sum_axis": "{a}.sum({axis}, keepdim={keepdim})",
    "mean_axis": "{a}.mean({axis}, keepdim={keepdim})",
    "prod_axis": "{a}.prod({axis}, keepdim={keepdim})",
    "max_axis": "{a}.amax({axis}, keepdim={keepdim})",
    "norm_axis": "{a}.norm(dim={axis}, keepdim={keepdim})",
    "var_axis": "{a}.var({axis}, correction=0, keepdim={keepdim})",
    "cumsum": "{a}.cumsum({axis})",
    "dot": "{a}.dot({b})",
    "outer": "{a}.outer({b})",
    "mv": "{a}.mv({b})",
    "mm": "{a}.mm({b})",
    "reshape": "{a}.reshape({shape})",
    "transpose": "{a}.t()",
    "permute": "{a}.permute({axes})",
    "squeeze": "{a}.squeeze({axis})",
    "unsqueeze": "{a}.unsqueeze({axis})",
    "expand": "{a}.expand({shape})",
    "flip": "{a}.flip({axis})",
    "roll": "{a}.roll({shift}, {axis})",
    "index": "{a}[{index}]",
    "unbind": "{a}",
    "index.list": "{a}[{index}]",
    "value": "{a}.tolist()",
    "hook_value": "{a}.tolist()",
    "shape": "{a}.shape",
    "dtype": "{a}.dtype",
}

# An object with `.backward()`, leaves that accumulate `.grad`, and grad modes: torch's protocol.
BACKWARD: Final = {
    "grad_of": "{a}.grad",
    "backward": "{root}.backward({arguments})",
    "backward.cotangent": "{cotangent}",
    "backward.retain_graph": "retain_graph=True",
    "backward.create_graph": "create_graph=True",
    "backward.inputs": "inputs=[{inputs}]",
    "grad.cotangent": "grad_outputs={cotangent}",
    "grad.retain_graph": "retain_graph=True",
    "grad.create_graph": "create_graph=True",
    "grad.allow_unused": "allow_unused=True",
    "clear.zero": "{a}.grad.zero_()",
    "clear.none": "{a}.grad = None",
    "set_grad": "{a}.grad = {b}",
    "detach": "{a}.detach()",
    "require_grad": "{a}.requires_grad_({flag})",
    "retain_grad": "{a}.retain_grad()",
    "hook": "{a}.register_hook({body})",
    "remove": "{a}.remove()",
    "requires_grad": "{a}.requires_grad",
    "is_leaf": "{a}.is_leaf",
    "recorded": "{a}.grad_fn is not None",
    "node_name": "type({a}.grad_fn).__name__",
    "text": "repr({a})",
    "same": "{a} is {b}",
}


def table(*parts: Mapping[str, str | None]) -> dict[str, str]:
    """The spellings of `parts`, later ones over earlier ones, without the rows that are None."""
    merged: dict[str, str | None] = {}
    for part in parts:
        merged.update(part)
    return {key: text for key, text in merged.items() if text is not None}


def torch_protocol(module: str) -> dict[str, str]:
    """What a module that follows torch's protocol spells: leaves, functional grad and grad modes."""
    names = {
        "leaf": f"{module}.tensor({{value}}, dtype={{dtype}}, requires_grad=True)",
        "constant": f"{module}.tensor({{value}}, dtype={{dtype}})",
        "no_grad": f"{module}.no_grad()",
        "enable_grad": f"{module}.enable_grad()",
        "grad_enabled": f"{module}.is_grad_enabled()",
        "grad": f"{module}.grad({{root}}, [{{inputs}}]{{options}})",
        "concat": f"{module}.cat([{{a}}, {{b}}], {{axis}})",
        "stack": f"{module}.stack([{{a}}, {{b}}], {{axis}})",
        "gather": f"{{a}}.gather({{axis}}, {module}.tensor({{index}}))",
        "pad": f"{module}.pad({{a}}, {{widths}})",
    }
    return table(METHODS, BACKWARD, names)


def grad_mode_state(module: str) -> dict[str, tuple[str, str]]:
    """The grad mode as state to compare around every program."""
    return {"grad mode": (f"{module}.is_grad_enabled()", f"{module}.set_grad_enabled(True)")}


# Comparisons by Python's operators, where they give tensors of bools.
COMPARISONS: Final = {"eq": "{a} == {b}", "gt": "{a} > {b}"}

# Writes in place, and the version that counts them.
IN_PLACE: Final = {
    "write.add": "{a}.add_({b})",
    "write.mul": "{a}.mul_({b})",
    "write.set": "{a}[{index}] = {b}",
    "version": "{a}._version",
}

# What is asked of a Variable of the API before 0.4.
OLD_VARIABLE: Final = {
    "backward.retain_variables": "retain_variables=True",
    "is_volatile": "{a}.volatile",
    "creator": "type({a}.creator).__name__",
    "data_entry": "repr({a}.data[0])",
}

# The nodes on which a tensor depends, where they have next_functions as torch's do: the list grows while it is walked.
_NODES: Final = (
    "(lambda found: ([found.append(f) for node in found for f, _ in node.next_functions"
    " if f not in (*found, None)], len(found))[1])([{%s}.grad_fn])"
)
GRAPHS: Final = {"fewer_nodes": f"{_NODES % 'a'} < {_NODES % 'b'}"}

# What torch says when it refuses.
TORCH_REFUSALS: Final = (
    ("not_scalar", "RuntimeError", "grad can be implicitly created only for scalar outputs"),
    (
        "shape_mismatch",
        "RuntimeError",
        "Mismatch in shape|gradient of size|changed the size|match the broadcast shape|1D tensors expected|must be a matrix"
        "|expanded size of the tensor|the number of sizes provided",
    ),
    ("needs_grad", "RuntimeError", "does(n't| not) require grad|requires_grad=False"),
    ("graph_freed", "RuntimeError", "backward through the graph a second time"),
    ("not_leaf", "RuntimeError", "you can only change requires_grad flags of leaf variables"),
    ("no_gradient", "AttributeError", "'NoneType' object has no attribute 'zero_'"),
    ("unused_input", "RuntimeError", "appears to not have been used in the graph"),
    ("dtype", "RuntimeError", "[Oo]nly Tensors of floating point"),
    ("leaf_in_place", "RuntimeError", "leaf Variable that requires grad is being used in an in-place operation"),
    ("version_conflict", "RuntimeError", "has been modified by an inplace operation"),
)
