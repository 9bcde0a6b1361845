"""Running backward twice over one graph."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import vectors
from conformance.tensor import attempting, expect, grad, refuses, tensor


@clause(
    "contract",
    source="torch.Tensor.backward, retain_graph; document 004, exercise 2",
    mutant="retained_graph_is_freed",
    after=("accumulation/each_backward_adds",),
    given={"a": vectors()},
)
def test_retained_graph_adds_again(a: Array) -> None:
    """With retain_graph=True the same graph can be run again, and adds its gradient again: 2x, then 4x."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    expect(x.grad, 2 * a, "once")
    y.backward()
    expect(x.grad, 4 * a, "twice")


@clause(
    "contract",
    source="torch.Tensor.backward, retain_graph; document 004, exercise 2",
    mutant="freed_values_read_as_zeros",
    after=("accumulation/each_backward_adds",),
    given={"a": vectors()},
)
def test_never_silently_wrong(a: Array) -> None:
    """A second backward over a graph that was not retained is refused, or adds the right gradient; it is never wrong."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    expect(x.grad, 2 * a, "the first")
    with attempting("graph_freed") as second:
        y.backward()
    expect(x.grad, 4 * a, "an engine that keeps its graphs adds again", when=(second, "accepted"))
    (x * 3).sum().backward()
    expect(x.grad, 2 * a + 3, "a new graph is not affected", when=(second, "refused"))
    expect(x.grad, 4 * a + 3, "a new graph is not affected", when=(second, "accepted"))


@clause(
    "dialect",
    source="torch autograd notes, Saved tensors; document 004, exercise 2",
    mutant="graphs_are_never_freed",
    dialect="torch",
    given={"a": vectors()},
)
def test_freed_graph_is_refused(a: Array) -> None:
    """A second backward through a node whose saved values were freed is refused; through nodes that save nothing it is legal."""
    x = tensor(a, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with refuses("graph_freed"):
        y.backward()
    z = (x + 1).sum()
    z.backward()
    z.backward()
    expect(x.grad, 2 * a + 2, "sum and add save nothing")


@clause(
    "contract",
    source="torch.autograd.grad, retain_graph",
    mutant="grad_ignores_retain_graph",
    given={"a": vectors()},
)
def test_grad_retains_the_graph(a: Array) -> None:
    """After grad with retain_graph=True the same graph can be differentiated again, with the same result."""
    x = tensor(a, requires_grad=True)
    z = (x * x).sum()
    first = grad(z, [x], retain_graph=True)[0]
    second = grad(z, [x])[0]
    expect(first, 2 * a, "the first")
    expect(second, 2 * a, "the second")


@clause(
    "contract",
    source="torch.autograd.grad: it consumes the graph as backward does; document 002 In[13]",
    mutant="freed_values_read_as_zeros",
    given={"a": vectors()},
)
def test_backward_after_grad_is_never_silently_wrong(a: Array) -> None:
    """A backward over a graph that grad went through and did not retain is refused, or right; it is never wrong."""
    x = tensor(a, requires_grad=True)
    z = (x * x).sum()
    received = grad(z, [x])[0]
    expect(received, 2 * a, "the first")
    with attempting("graph_freed") as second:
        z.backward()
    expect(x.grad, 2 * a, "an engine that keeps its graphs", when=(second, "accepted"))


@clause(
    "dialect",
    source="torch.autograd.grad, retain_graph",
    mutant="grad_retains_the_graph",
    dialect="torch",
    given={"a": vectors()},
)
def test_grad_frees_the_graph(a: Array) -> None:
    """grad frees what the graph saved, as backward does: a second one is refused, and over a new graph it is legal."""
    x = tensor(a, requires_grad=True)
    z = (x * x).sum()
    grad(z, [x])
    with refuses("graph_freed"):
        grad(z, [x])
    received = grad((x * x).sum(), [x])[0]
    expect(received, 2 * a, "the accepted twin")
