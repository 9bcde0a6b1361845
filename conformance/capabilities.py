"""Every key that an adapter may spell, what its text may use, and what it stands for; and the kinds of refusals.

An adapter is checked against this table when it is loaded: a key that is misspelt would be a capability that nobody offers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Capability:
    """One key: what it means, the placeholders that its text may use, and the statement in which it stands.

    where: {} is the text. falls_back: another key is used when this one is not spelled, so that nothing is declined.
    """

    key: str
    meaning: str
    placeholders: tuple[str, ...] = ()
    where: str = "x = {}"
    falls_back: bool = False


def _operator(key: str, meaning: str, *more: str) -> Capability:
    return Capability(key, meaning, ("a", *more))


def _statement(key: str, meaning: str, *placeholders: str) -> Capability:
    return Capability(key, meaning, placeholders, "{}")


def _option(key: str, meaning: str, *placeholders: str) -> Capability:
    return Capability(key, meaning, placeholders, "call({})")


_TABLE: Final = (
    # --- values
    Capability("leaf", "a tensor that gradients are collected for", ("value", "dtype", "shape")),
    Capability("constant", "a tensor that no gradient is collected for", ("value", "dtype", "shape")),
    Capability("scalar", "a Python number as an operand", ("value",)),
    Capability("value", "a tensor's numbers, as nested lists of Python's", ("a",)),
    Capability("shape", "a tensor's shape; without it, that of the lists", ("a",), falls_back=True),
    Capability("dtype", "a tensor's dtype; without it dtypes are not judged", ("a",), falls_back=True),
    Capability("grad_value", "as `value`, of what `grad_of` gives", ("a",), falls_back=True),
    Capability("grad_shape", "as `shape`, of what `grad_of` gives", ("a",), falls_back=True),
    Capability("grad_dtype", "as `dtype`, of what `grad_of` gives", ("a",), falls_back=True),
    Capability("text", "the text that a tensor prints", ("a",)),
    Capability("same", "whether two names stand for one object", ("a", "b")),
    # --- operators
    _operator("add", "a + b, which broadcasts", "b"),
    _operator("sub", "a - b", "b"),
    _operator("mul", "a * b, element by element", "b"),
    _operator("div", "a / b", "b"),
    _operator("eq", "a == b, element by element", "b"),
    _operator("gt", "a > b, element by element", "b"),
    _operator("neg", "-a"),
    _operator("square", "a * a"),
    _operator("reciprocal", "1 / a"),
    _operator("pow", "a to the power of a number b", "b"),
    _operator("exp", "exponentials"),
    _operator("log", "natural logarithms"),
    _operator("log1p", "natural logarithms of 1 + a"),
    _operator("sqrt", "square roots"),
    _operator("sin", "sines"),
    _operator("cos", "cosines"),
    _operator("atan", "arctangents"),
    _operator("sinh", "hyperbolic sines"),
    _operator("cosh", "hyperbolic cosines"),
    _operator("tanh", "hyperbolic tangents"),
    _operator("sigmoid", "1 / (1 + exp(-a))"),
    _operator("abs", "absolute values"),
    _operator("relu", "the greater of a and 0"),
    _operator("clamp", "a within the bounds low and high", "low", "high"),
    _operator("maximum", "the greater of a and b, element by element", "b"),
    _operator("minimum", "the lesser of a and b, element by element", "b"),
    _operator("where", "b where the booleans a are true, c elsewhere", "b", "c"),
    _operator("sum", "the sum of all elements, 0-d"),
    _operator("mean", "the mean of all elements"),
    _operator("prod", "the product of all elements"),
    _operator("max", "the greatest of all elements"),
    _operator("norm", "the root of the sum of squares"),
    _operator("var", "the mean squared distance from the mean (divided by n)"),
    _operator("sum_axis", "sums along an axis", "axis", "keepdim"),
    _operator("mean_axis", "means along an axis", "axis", "keepdim"),
    _operator("prod_axis", "products along an axis", "axis", "keepdim"),
    _operator("max_axis", "the greatest along an axis", "axis", "keepdim"),
    _operator("norm_axis", "roots of sums of squares along an axis", "axis", "keepdim"),
    _operator("var_axis", "variances along an axis", "axis", "keepdim"),
    _operator("cumsum", "running sums along an axis", "axis"),
    _operator("dot", "the product of two vectors", "b"),
    _operator("outer", "every product of an element of a and one of b", "b"),
    _operator("mv", "the product of a matrix and a vector", "b"),
    _operator("mm", "the product of two matrices, as a function", "b"),
    _operator("matmul", "products of matrices, as Python's @; leading axes broadcast", "b"),
    _operator("reshape", "the same elements in another shape", "shape"),
    _operator("transpose", "a matrix with its axes exchanged"),
    _operator("permute", "the axes in another order", "axes"),
    _operator("squeeze", "without an axis of extent 1", "axis"),
    _operator("unsqueeze", "with a new axis of extent 1", "axis"),
    _operator("expand", "broadcast to a shape", "shape"),
    _operator("index", "an element, or a slice", "index"),
    _operator("index.list", "the elements at a list of indices", "index"),
    _operator("gather", "for each place the element at its index along an axis", "axis", "index"),
    _operator("concat", "a and b, one after the other along an axis", "b", "axis"),
    _operator("stack", "a and b along a new axis", "b", "axis"),
    _operator("pad", "zeros before and after along the last axis", "widths"),
    _operator("flip", "an axis in reverse", "axis"),
    _operator("roll", "elements shifted along an axis, the last to the front", "shift", "axis"),
    Capability("unbind", "a tensor as an iterable of its rows", ("a",), "p, q = {}"),
    Capability("finish", "waits for a tensor of an asynchronous engine, for `bench`", ("a",), "{}", falls_back=True),
    # --- derivatives
    _statement("backward", "differentiates a root, into the leaves' gradients", "root", "arguments", "options"),
    Capability("grad_of", "a leaf's gradient, or None", ("a",)),
    _option("backward.cotangent", "backward's argument: a cotangent", "cotangent"),
    _option("backward.retain_graph", "backward's argument: the graph stays"),
    _option("backward.create_graph", "backward's argument: its own work is recorded"),
    _option("backward.inputs", "backward's argument: only these leaves", "inputs"),
    Capability("grad", "gradients as values", ("root", "inputs", "arguments", "options"), "p, q = {}"),
    _option("grad.cotangent", "grad's argument: a cotangent", "cotangent"),
    _option("grad.retain_graph", "grad's argument: the graph stays"),
    _option("grad.create_graph", "grad's argument: its own work is recorded"),
    _option("grad.allow_unused", "grad's argument: inputs without a gradient are allowed"),
    Capability("gradient", "functional: gradients of a scalar function f", ("f", "inputs", "positions"), "p, q = {}"),
    Capability(
        "vjp", "functional: gradients of f with a cotangent", ("f", "inputs", "positions", "cotangent"), "p, q = {}"
    ),
    # --- state
    _statement("clear.zero", "a leaf's gradient becomes zeros", "a"),
    _statement("clear.none", "a leaf's gradient is forgotten", "a"),
    _statement("set_grad", "a leaf's gradient becomes b", "a", "b"),
    _statement("write.add", "in place, a becomes a + b", "a", "b"),
    _statement("write.mul", "in place, a becomes a * b", "a", "b"),
    _statement("write.set", "in place, an element or a slice of a becomes b", "a", "b", "index"),
    Capability("version", "how often the memory of a tensor was written", ("a",)),
    Capability("detach", "the same value, without history", ("a",)),
    Capability("require_grad", "switches whether gradients are collected, gives the tensor", ("a", "flag")),
    _statement("retain_grad", "an intermediate tensor keeps its gradient", "a"),
    Capability("no_grad", "a context manager: nothing inside is recorded", (), "with {}: pass"),
    Capability("enable_grad", "a context manager: what is inside is recorded again", (), "with {}: pass"),
    Capability("hook", "registers the function `body` on a tensor, gives a handle", ("a", "body")),
    Capability("hook_value", "as `value`, of a hook's argument", ("a",)),
    _statement("remove", "removes a hook by its handle", "a"),
    # --- flags
    Capability("grad_enabled", "whether operators are being recorded"),
    Capability("requires_grad", "whether gradients flow to a tensor", ("a",)),
    Capability("is_leaf", "whether a tensor was made by no operator", ("a",)),
    Capability("recorded", "whether a tensor has a history", ("a",)),
    # --- dialects
    Capability("node_name", "torch: the name of the node that made a tensor", ("a",)),
    Capability("fewer_nodes", "torch: whether a's graph has fewer nodes than b's", ("a", "b")),
    Capability("native", "torch: the namespace that a clause's own words begin with"),
    Capability("variable", "variable: a Variable of the old API", ("value", "dtype", "requires_grad", "volatile")),
    Capability("rewrap", "variable: a Variable of a's data", ("a", "requires_grad")),
    Capability("is_volatile", "variable: whether a Variable is volatile", ("a",)),
    Capability("is_variable", "variable: whether something is a Variable", ("a",)),
    Capability("creator", "variable: the name of a Variable's node, or NoneType", ("a",)),
    Capability("data_entry", "variable: the first entry of a Variable's data", ("a",)),
    Capability("shares_memory", "variable: whether two Variables' data is in one place", ("a", "b")),
    _option("backward.retain_variables", "variable: backward's argument: the graph stays"),
)

CAPABILITIES: Final[Mapping[str, Capability]] = {row.key: row for row in _TABLE}

# What an engine may refuse, as the rows of an adapter's `refusals` call it.
KINDS: Final[Mapping[str, str]] = {
    "not_scalar": "backward of what is no scalar, without a cotangent",
    "shape_mismatch": "a cotangent, a gradient or an operand of a shape that does not fit",
    "needs_grad": "differentiating what no gradient flows to",
    "graph_freed": "a second backward over a graph that was not retained",
    "unused_input": "a gradient for an input that the root does not depend on",
    "no_gradient": "clearing a gradient that is not there",
    "not_leaf": "switching requires_grad of what is no leaf",
    "leaf_in_place": "a write into a leaf that gradients are collected for, while operators are recorded",
    "version_conflict": "differentiating with numbers that were overwritten since",
    "exhausted": "the stack or the memory did not suffice (every engine's RecursionError and MemoryError)",
    "dtype": "gradients of integers and booleans",
    "raised": "what a hook of the program raised (a bare ZeroDivisionError is known by itself)",
    "unsupported": "an operator, or a use of it, that the engine lacks; or a bug of the engine that raises: the case stays red",
}
