"""Running backward twice over one graph."""

from __future__ import annotations

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import matrices, vectors
from conformance.tensor import attempting, expect, grad, native, native_value, refuses, tensor


@clause(
    "contract",
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


@clause("contract", mutant="freed_values_read_as_zeros", given={"a": vectors()})
def test_a_new_root_over_a_freed_graph(a: Array) -> None:
    """With y = x*x, a second y.sum() is a new root over a graph that was freed: its backward is refused, or right."""
    x = tensor(a, requires_grad=True)
    y = x * x
    y.sum().backward()
    expect(x.grad, 2 * a, "the first root")
    with attempting("graph_freed") as second:
        y.sum().backward()
    expect(x.grad, 4 * a, "an engine that keeps its graphs adds again", when=(second, "accepted"))
    (x * x).sum().backward()
    expect(x.grad, 4 * a, "computed anew", when=(second, "refused"))
    expect(x.grad, 6 * a, "computed anew", when=(second, "accepted"))


@clause("dialect", mutant="graphs_are_never_freed", dialect="torch", given={"a": vectors()})
def test_a_new_root_is_refused_too(a: Array) -> None:
    """What was freed stays freed: with y = x*x the backward of a second y.sum() is refused, that of a new x*x is legal."""
    x = tensor(a, requires_grad=True)
    y = x * x
    y.sum().backward()
    with refuses("graph_freed"):
        y.sum().backward()
    (x * x).sum().backward()
    expect(x.grad, 4 * a, "the accepted twin")


# A result of the matrix {0}, and what becomes of a second backward from it.
SECOND_RUNS = {
    "sum": ("{0}.sum()", "again"),
    "mean": ("{0}.mean()", "again"),
    "add": ("{0} + 1", "again"),
    "neg": ("-{0}", "again"),
    "select": ("{0}[0]", "again"),
    "view": ("{0}.view(4)", "again"),
    "cat": ("{ns}.cat([{0}, {0}])", "again"),
    "clone": ("{0}.clone()", "again"),
    "double": ("2 * {0}", "refused"),
    "half": ("{0} / 2", "refused"),
    "mul": ("{0} * {0}", "refused"),
    "exp": ("{0}.exp()", "refused"),
    "dot": ("{ns}.dot({0}[0], {0}[1])", "refused"),
    "mm": ("{ns}.mm({0}, {0})", "refused"),
    "max": ("{0}.max()", "refused"),
    "where": ("{ns}.where({0} > 0, {0}, 0 * {0})", "refused"),
    "gather": ("{0}[[0]]", "refused"),
}
TWICE = """
result = {text}
seed = {{ns}}.ones_like(result)
result.backward(seed)
once, outcome = {{0}}.grad.clone(), 'again'
try:
    result.backward(seed)
except RuntimeError as reason:
    outcome = 'refused' if 'backward through the graph a second time' in str(reason) else str(reason)
""".strip()


@clause(
    "dialect",
    mutant="every_graph_is_retained",
    dialect="torch",
    given={"a": matrices(2, 2)},
    node=tuple(SECOND_RUNS),
)
def test_only_what_saved_is_refused(node: str, a: Array) -> None:
    """A second run is refused by a node that saved values and had them freed; one that saved none adds its gradient again."""
    text, outcome = SECOND_RUNS[node]
    x = tensor(a, requires_grad=True)
    native(TWICE.format(text=text), x)
    expect(native_value("outcome"), outcome)
    expect(
        native_value(f"{{0}}.grad is not None and {{0}}.grad.equal(once * {2 if outcome == 'again' else 1})", x), True
    )
