"""Recording: the graph is what was executed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.clause import clause
from conformance.model.numbers import Array
from conformance.strategies import matrices, nonzero, powers_of_two, tensors, vectors
from conformance.tensor import (
    Tensor,
    apply,
    expect,
    expect_matches,
    fewer_nodes,
    grad,
    gradients,
    native,
    native_value,
    no_grad,
    tensor,
)


@clause(
    "law",
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


@clause(
    "contract",
    mutant="index_scatters_to_the_first",
    given={"a": vectors(), "k": st.integers(1, 3)},
)
def test_iteration_gives_recorded_entries(a: Array, k: int) -> None:
    """Iterating over a tensor gives its entries, recorded: the gradient of entry * (k + position) lands at its position."""
    x = tensor(a, requires_grad=True)
    total = x.sum() * 0
    for position, entry in enumerate(x.unbind()):
        expect(entry, a[position], "the entry")
        total = total + entry * (k + position)
    total.backward()
    expect(x.grad, [k + position for position in range(len(a))], "each entry's own factor")


@clause(
    "contract",
    mutant="a_leaf_as_root_is_forgotten",
    given={"n": st.integers(1, 4)},
)
def test_a_function_may_return_its_argument(n: int) -> None:
    """A function that returns its argument records nothing: backward starts from the leaf itself and gives it 1."""
    x = tensor([n], requires_grad=True)
    y = _absolute(x)
    expect(y.is_leaf, True)
    y.backward()
    expect(x.grad, [1], "dx/dx")


def _absolute(x: Tensor) -> Tensor:
    return x if x.item() > 0 else -x


@clause(
    "contract",
    mutant="no_grad_records",
    given={"a": vectors(), "length": st.integers(1, 3)},
)
def test_nothing_is_recorded_under_no_grad(a: Array, length: int) -> None:
    """No step of a chain computed under no_grad has a node, though its first operand requires grad; a later step has one."""
    x = tensor(a, requires_grad=True)
    y = x
    with no_grad():
        for _ in range(length):
            y = y * 2
            expect(y.recorded, False)
    expect((x * y).recorded, True)


@clause(
    "contract",
    mutant="comparisons_are_differentiable",
    given={"a": vectors(), "k": st.integers(-1, 1)},
    comparison=("eq", "gt"),
)
def test_comparisons_have_no_gradient(a: Array, comparison: str, k: int) -> None:
    """The results of x == k and x > k are of dtype bool and not recorded: no gradient flows through a comparison."""
    x = tensor(a, requires_grad=True)
    chosen = x.eq(k) if comparison == "eq" else x > k
    expect(chosen, [int(entry == k if comparison == "eq" else entry > k) for entry in a], "true or false")
    expect(chosen.requires_grad, False)
    expect(chosen.recorded, False)
    (x * x).sum().backward()
    expect(x.grad, 2 * a, "2x")


@clause(
    "dialect",
    mutant="gradients_hide_their_graph",
    dialect="torch",
    given={"a": vectors(), "power": st.integers(3, 5)},
)
def test_a_recorded_gradient_is_the_larger_graph(a: Array, power: int) -> None:
    """The graph of d sum(x * ... * x), recorded for a second derivative, holds more nodes than that of the sum."""
    x = tensor(a, requires_grad=True)
    y = x
    for _ in range(power - 1):
        y = y * x
    total = y.sum()
    [first] = grad(total, [x], create_graph=True)
    expect(first, [power * entry ** (power - 1) for entry in a], "the first derivative")
    expect(fewer_nodes(total, first), True)


@clause(
    "dialect",
    mutant="results_remember_one_operand",
    dialect="torch",
    given={"a": vectors()},
)
def test_next_functions_are_the_operands(a: Array) -> None:
    """The next_functions of z = w*x + b are the product's node and the AccumulateGrad of b; a constant operand has None."""
    x, b, w = tensor(a), tensor(a, requires_grad=True), tensor(a, requires_grad=True)
    y = w * x
    z = y + b
    expect(
        native_value("{0}.grad_fn.next_functions == (({1}.grad_fn, 0), ({0}.grad_fn.next_functions[1][0], 0))", z, y),
        True,
    )
    expect(native_value("type({0}.grad_fn.next_functions[1][0]).__name__", z), "AccumulateGrad")
    expect(native_value("{0}.grad_fn.next_functions[1][0].variable is {1}", z, b), True)
    expect(native_value("{0}.grad_fn.next_functions[1]", y), "(None, 0)")


@clause(
    "dialect",
    mutant="nodes_are_shown_by_name",
    dialect="torch",
    given={"a": vectors()},
)
def test_a_printed_node_shows_its_address(a: Array) -> None:
    """Printing grad_fn shows the node's class and address: <AddBackward0 object at 0x...>."""
    y = tensor(a, requires_grad=True) + 2
    expect_matches(native_value("str({0}.grad_fn)", y), r"^<AddBackward0 object at 0x[0-9a-fA-F]+>$")
    expect(native_value("{0}.grad_fn is None", tensor(a, requires_grad=True)), True)


@clause("contract", mutant="a_second_sum_is_a_constant", given={"a": vectors()})
def test_looking_at_a_result_does_not_disturb(a: Array) -> None:
    """Computing sum(x*x) once to look at it changes nothing for the next: each is recorded anew, with the gradient 2x."""
    x = tensor(a, requires_grad=True)
    y = x * x
    expect(y.sum(), (a * a).sum(), "looked at")
    total = y.sum()
    total.backward()
    expect(total, (a * a).sum(), "computed anew")
    expect(x.grad, 2 * a, "2x")


# What the documents write of a vector {0} and a matrix {1}, and the name of the node of its last operator.
EXPRESSIONS = {
    "number_first": ("2 * {0}", "MulBackward0"),
    "number_last": ("{0} * 2", "MulBackward0"),
    "twice_a_dot": ("2 * {ns}.dot({0}, {0})", "MulBackward0"),
    "sum_with_a_number": ("{0} + 2", "AddBackward0"),
    "polynomial": ("{0} ** 2 + {0} * 2", "AddBackward0"),
    "quotient": ("{0} / {0}", "DivBackward0"),
    "negation": ("-{0}", "NegBackward0"),
    "entry": ("{0}[0]", "SelectBackward0"),
    "iteration": ("[*{0}][0]", "UnbindBackward0"),
    "total": ("{ns}.sum({0})", "SumBackward0"),
    "mean": ("({1} * {1} * 3).mean()", "MeanBackward0"),
    "matrix_product": ("{ns}.mm({1}, {1})", "MmBackward0"),
    "total_of_a_product": ("{ns}.sum({ns}.mm({1}, {1}))", "SumBackward0"),
    "norm_of_a_number": ("{0}.sum().norm()", "(LinalgVector)?NormBackward[01]"),  # another node since 2.0
}


@clause(
    "dialect",
    mutant="reflected_products_are_quotients",
    dialect="torch",
    expression=tuple(EXPRESSIONS),
    given={"a": vectors(nonzero), "b": matrices(2, 2)},
)
def test_expressions_are_named_after_their_last_operator(expression: str, a: Array, b: Array) -> None:
    """However an expression is written, its grad_fn is that of its last operator: 2*x and x*2 both give MulBackward0."""
    text, name = EXPRESSIONS[expression]
    x, w = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    expect_matches(native_value(f"type(({text}).grad_fn).__name__", x, w), f"^{name}$")


METHODS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}


@clause(
    "dialect",
    mutant="methods_take_a_step_more",
    dialect="torch",
    method=tuple(METHODS),
    given={"a": vectors(powers_of_two)},
)
def test_a_method_is_its_operator(method: str, a: Array) -> None:
    """A method is its operator: w.mul(x) has the values, the class of node and the gradients of w * x."""
    x, w = tensor(a, requires_grad=True), tensor(abs(a), requires_grad=True)
    native(f"one, other = {{0}}.{method}({{1}}), {{0}} {METHODS[method]} {{1}}", w, x)
    expect(native_value("one.equal(other)"), True)
    expect(native_value("type(one.grad_fn) is type(other.grad_fn)"), True)
    gradients = "[g.tolist() for g in {{ns}}.autograd.grad({}.sum(), [{{0}}, {{1}}])]".format
    expect(native_value(f"{gradients('one')} == {gradients('other')}", w, x), True)


@clause(
    "dialect", mutant="node_names_are_swapped", dialect="torch", given={"a": vectors(), "length": st.integers(1, 4)}
)
def test_every_step_of_a_chain_has_a_node(a: Array, length: int) -> None:
    """Each step of a chain of products is recorded as one, MulBackward0, whether by a number or by a constant tensor."""
    y, c = tensor(a, requires_grad=True), tensor(a)
    for _ in range(length):
        y = y * 2
        expect(y.node_name(), "MulBackward0")
    expect((c * y).node_name(), "MulBackward0")
