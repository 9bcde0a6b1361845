"""Recording: the graph is what was executed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import tensors, vectors
from conformance.tensor import apply, expect, gradients, tensor


@clause(
    "law",
    source="torch autograd notes, How autograd encodes the history; document 000 In[8], In[10]",
    mutant="contributions_keep_the_last",
    given={"a": vectors()},
)
def test_unused_results_do_not_disturb(a: Array) -> None:
    """What is computed and not used adds nothing to a gradient: d sum(x*x) = 2x, whatever else was computed from x."""
    x = tensor(a, requires_grad=True)
    y = x * x
    y.sum()
    x * 3 + y
    received = gradients(y.sum() + (x * 0).sum(), [x])
    expect(received[0], 2 * a, "only what leads to the root counts")


@clause(
    "contract",
    source="torch autograd notes, In-place operations and graphs; document 001 In[6], 002 In[12]",
    mutant="constants_are_recorded",
    given={"a": tensors()},
)
def test_constants_are_leaves(a: Array) -> None:
    """A result of operands that do not require grad is a leaf: nothing is recorded for it, and it receives no gradient."""
    x, c = tensor(a, requires_grad=True), tensor(a)
    d = c * c
    expect(d.is_leaf, True)
    expect(d.recorded, False)
    y = d * x
    expect(y.is_leaf, False)
    y.sum().backward()
    expect(c.grad, None)
    expect(d.grad, None)
    expect(x.grad, a * a, "the constant's value")


NODES = {
    "add": "AddBackward0",
    "sub": "SubBackward0",
    "mul": "MulBackward0",
    "div": "DivBackward0",
    "neg": "NegBackward0",
    "pow": "PowBackward0",
    "sum": "SumBackward0",
    "mean": "MeanBackward0",
    "dot": "DotBackward0",
    "mm": "MmBackward0",
}


@clause(
    "dialect",
    source="document 000 In[10], In[35], 001 In[3] to In[6], 002 In[18], 003",
    mutant="node_names_are_swapped",
    dialect="torch",
    operator=tuple(NODES),
    given={"n": st.integers(1, 3)},
)
def test_grad_fn_names_the_last_operator(operator: str, n: int) -> None:
    """grad_fn is named after the operator that produced the tensor, whatever came before: y*y*3 gives MulBackward0."""
    x = tensor([[1, 2], [3, 4]] if operator == "mm" else [1, 2], requires_grad=True)
    y = x * n
    operands: dict[str, list[Any]] = {"pow": [2], "add": [x], "sub": [x], "mul": [x], "div": [2], "dot": [x], "mm": [x]}
    result = apply(operator, y, *operands.get(operator, []))
    expect(result.node_name(), NODES[operator])
